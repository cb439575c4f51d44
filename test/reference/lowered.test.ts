import { describe, expect, it } from "vitest";
import {
  add,
  buffer,
  type Expr,
  int,
  load,
  lt,
  mul,
  ramp,
  type Stmt,
  seq,
  store,
  sub,
  variable,
  verifyLowered,
} from "../../src/ir/index.ts";
import { evalSize, InterpretError, interpretLowered } from "../../src/reference/index.ts";
import type { Lowered } from "../../src/target/index.ts";
import { loop } from "../ir/build.ts";

const [x, y, n, tmp, i] = [variable("X"), variable("Y"), variable("n"), variable("scratch"), variable("i")];
const mem = buffer("f32", "f32", [], "address");
const vec = (at: Expr): Expr => ramp(at, int(4), 4);

function lowered(body: Stmt): Lowered {
  const size = { size: "n" } as const;
  return {
    name: "f",
    params: [x, y, n, tmp],
    abi: {
      version: 1,
      name: "f",
      params: [
        { role: "input", name: "X", dtype: "f32", shape: [size] },
        { role: "output", name: "Y", dtype: "f32", shape: [size] },
        { role: "size", name: "n", min: 0, max: 100, multipleOf: 1 },
        { role: "scratch" },
      ],
      scratch: { op: "mul", args: [size, 4] },
    },
    body,
  };
}
const X = Float32Array.from([1, 2, 3, 4, 5, 6]);
const run = (body: Stmt): number[] => {
  const l = lowered(body);
  verifyLowered(l);
  return Array.from(interpretLowered(l, { X }, { sizes: { n: 6 } }).Y as Float32Array);
};
const fails = (body: Stmt): string => {
  try {
    run(body);
  } catch (e) {
    expect(e).toBeInstanceOf(InterpretError);
    return (e as Error).message;
  }
  return "ran";
};

describe("the last stage over linear memory", () => {
  it("vectors, scalars, sizes and scratch", () => {
    const body = seq([
      store(mem, [vec(tmp)], load(mem, [vec(x)])),
      store(mem, [vec(y)], add(load(mem, [vec(tmp)]), load(mem, [vec(add(x, int(8)))]))),
      loop(i, sub(n, int(4)), store(mem, [add(y, mul(add(i, int(4)), int(4)))], load(mem, [add(x, mul(i, int(4)))]))),
    ]);
    expect(run(body)).toEqual([4, 6, 8, 10, 1, 2]);
  });
  it("outputs and scratch start as garbage", () => {
    expect(run(store(mem, [y], load(mem, [tmp])))[1]).toBeNaN();
    expect(run(store(mem, [y], load(mem, [tmp])))[0]).toBe(
      new Float32Array(new Uint8Array([0xa5, 0xa5, 0xa5, 0xa5]).buffer)[0],
    );
  });
  it("refuses accesses that leave their buffer", () => {
    expect(fails(store(mem, [add(y, int(24))], load(mem, [x])))).toMatch(
      /^write of 4 bytes at address \d+, outside \(X: /,
    );
    expect(fails(store(mem, [y], load(mem, [sub(x, int(4))])))).toMatch(/^read of 4 bytes/);
    expect(fails(store(mem, [vec(y)], load(mem, [vec(add(x, int(12)))])))).toMatch(/^read of 16 bytes/);
    expect(fails(store(mem, [x], load(mem, [x])))).toMatch(/into the input X$/);
  });
  it("an immediate offset does not bring a negative base back", () => {
    expect(fails(store(mem, [y], load(mem, [add(sub(int(0), int(16)), add(x, int(16)))])))).toBe("ran");
    const negative = sub(int(0), int(16));
    expect(fails(store(mem, [y], load(mem, [add(negative, int(4096))])))).toBe(
      "address -16 with the immediate offset 4096 traps",
    );
  });
  it("reads nothing where a condition says so", () => {
    expect(run({ kind: "if", condition: lt(n, int(3)), then: store(mem, [int(0)], load(mem, [int(0)])) })[0]).toBeNaN();
  });
  it("size expressions round down", () => {
    const s = { size: "n" } as const;
    expect(evalSize({ op: "floordiv", args: [{ op: "sub", args: [s, 10] }, 4] }, { n: 3 })).toBe(-2);
    expect(evalSize({ op: "floormod", args: [{ op: "sub", args: [s, 10] }, 4] }, { n: 3 })).toBe(1);
    expect(
      evalSize(
        {
          op: "max",
          args: [
            { op: "min", args: [s, 2] },
            { op: "add", args: [1, 3] },
          ],
        },
        { n: 3 },
      ),
    ).toBe(4);
  });
});
