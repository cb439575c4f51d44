/** Large programs: as text for the type checker, and as tensors for the compiler. */
import { compute, constantEdge, placeholder, sum, type Tensor } from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: programs are built in loops, so no static type can follow them
type Untyped = any;

const START = (te: string): string => `import * as te from ${JSON.stringify(te)};\n`;
export const nothing = (te: string): string => `${START(te)}export const A = te.placeholder("A", [64, 64]);\n`;

/** One expression of so many method calls. */
export const chainText = (te: string, operations: number): string => {
  const calls = Array.from(
    { length: operations },
    (_, k) => `.${["add", "mul", "max"][k % 3]}(${k % 2 ? k : "A.at(i, j)"})`,
  );
  return `${nothing(te)}export const deep = te.compute("deep", A.shape, (i, j) => A.at(i, j)${calls.join("")});\n`;
};

/** Layers with weights and biases of their own, dense and convolutions in turn, and the kernel that they become. */
export const netText = (te: string, layers: number): string => {
  const lines = ['const n = te.dim("n");', 'const L0 = te.placeholder("X", { n, y: 16, x: 16, c: 8 });'];
  for (let l = 1; l <= layers; l++) {
    const before = `L${l - 1}`;
    lines.push(`const b${l} = te.placeholder("b${l}", [8]);`);
    if (l % 2 === 0)
      lines.push(
        `const W${l} = te.placeholder("W${l}", [8, 8]);`,
        `const L${l} = te.compute("L${l}", { n, y: 16, x: 16, c: 8 }, ({ n, y, x, c }) =>`,
        `  te.sum({ k: 8 }, ({ k }) => ${before}.at(n, y, x, k).mul(W${l}.at(k, c))).add(b${l}.at(c)).max(0));`,
      );
    else
      lines.push(
        `const W${l} = te.placeholder("W${l}", [3, 3, 8, 8]);`,
        `const E${l} = te.constantEdge(${before}, 0);`,
        `const L${l} = te.compute("L${l}", { n, y: 16, x: 16, c: 8 }, ({ n, y, x, c }) =>`,
        "  te.sum({ dy: 3, dx: 3, k: 8 }, ({ dy, dx, k }) =>",
        `    E${l}.at(n, y.add(dy).sub(1), x.add(dx).sub(1), k).mul(W${l}.at(dy, dx, k, c))).add(b${l}.at(c)).max(0));`,
      );
  }
  lines.push(
    "declare function compile<X>(x: X): Promise<te.KernelOf<X>>;",
    `const net = await compile(L${layers});`,
    "export const run = (args: Parameters<typeof net>[0]): Float32Array => net(args);",
  );
  return `${START(te)}${lines.join("\n")}\n`;
};

export function chain(operations: number): Tensor {
  const A: Untyped = placeholder("A", [64, 64]);
  return compute("deep", { i: 64, j: 64 }, ({ i, j }) => {
    let e: Untyped = A.at(i, j);
    for (let k = 0; k < operations; k++) e = e[["add", "mul", "max"][k % 3]!](k % 2 ? k : A.at(i, j));
    return e;
  }) as Untyped;
}

export function dense(layers: number): Tensor {
  let L: Untyped = placeholder("X", { n: 8, c: 32 });
  for (let l = 1; l <= layers; l++) {
    const [before, W, b] = [L, placeholder(`W${l}`, [32, 32]), placeholder(`b${l}`, [32])];
    L = compute(`L${l}`, { n: 8, c: 32 }, ({ n, c }) => {
      const all: Untyped = sum({ k: 32 }, ({ k }) => before.at(n, k).mul(W.at(k, c)));
      return all.add(b.at(c)).max(0);
    });
  }
  return L;
}

/** Stages that each read their predecessor at three places: inlined without a limit, the last one would have 3 ^ stages terms. */
export function smooth(stages: number): Tensor {
  let L: Untyped = placeholder("X", [256]);
  for (let l = 1; l <= stages; l++) {
    const edge: Untyped = constantEdge(L, 0);
    L = compute(`S${l}`, { i: 256 }, ({ i }) =>
      edge
        .at(i.sub(1))
        .add(edge.at(i))
        .add(edge.at(i.add(1))),
    );
  }
  return L;
}
