import fc from "fast-check";
import { expect, it } from "vitest";
import { type Arena, arena, type Kernel, load } from "../../src/runtime/index.ts";
import { addModule, gemmModule } from "./modules.ts";

type Args = Readonly<Record<string, Float32Array | Float64Array | number>>;
type Any = Kernel<Args, Float32Array | Float64Array>;

// Wherever arguments and results lie, the outcome is the same, and nothing beside the result changes.
const place = fc.constantFrom("plain", "offset", "arena", "elsewhere");
const where = fc.record({
  A: place,
  B: place,
  bias: place,
  into: fc.option(place),
  own: fc.boolean(),
  shared: fc.boolean(),
});

const kernels = new Map<string, Promise<{ mem: Arena; add: Any; gemm: Any }>>();
const kernelsFor = (own: boolean, shared: boolean) => {
  const key = `${own} ${shared}`;
  const make = async () => {
    const mem = arena({ max: "2MB", initial: "128KB", shared });
    const options = own ? {} : { arena: mem };
    const add = (await load(addModule(), options)) as unknown as Any;
    const gemm = (await load(gemmModule(), options)) as unknown as Any;
    return { mem, add, gemm };
  };
  if (!kernels.has(key)) kernels.set(key, make());
  return kernels.get(key)!;
};
const other = arena({ max: "2MB" });

const small = fc.integer({ min: 0, max: 12 });
it("placement never matters", async () => {
  await fc.assert(
    fc.asyncProperty(where, small, small, small, fc.boolean(), async (w, m, n, k, useGemm) => {
      const { mem, add, gemm } = await kernelsFor(w.own, w.shared);
      mem.reset();
      other.reset();
      const put = (at: string, length: number, value: (i: number) => number): Float32Array | Float64Array => {
        const d = useGemm ? "f64" : "f32";
        const C = useGemm ? Float64Array : Float32Array;
        const home = at === "arena" ? mem : at === "elsewhere" ? other : undefined;
        const x = home
          ? home.array(d, length)
          : at === "offset"
            ? new C(length + 5).subarray(3, 3 + length)
            : new C(length);
        for (let i = 0; i < length; i++) x[i] = value(i);
        return x;
      };
      const lengths = useGemm ? { A: m * k, B: k * n, bias: n, into: m * n } : { A: n, B: n, bias: n, into: n };
      // canaries between arrays that lie in one memory
      const guards = [mem, other].map((x) => x.array("u8", 16).fill(7));
      const A = put(w.A, lengths.A, (i) => i % 7);
      const B = put(w.B, lengths.B, (i) => (i % 5) - 2);
      const bias = put(w.bias, lengths.bias, (i) => i);
      const into = w.into === null ? undefined : put(w.into, lengths.into, () => -1);
      guards.push(...[mem, other].map((x) => x.array("u8", 16).fill(7)));
      const before = [[...A], [...B], [...bias]];
      const expected = useGemm
        ? Array.from({ length: m * n }, (_, at) => {
            let s = at % n;
            for (let x = 0; x < k; x++) s += A[Math.floor(at / n) * k + x]! * B[x * n + (at % n)]!;
            return s;
          })
        : Array.from({ length: n }, (_, i) => 2 * (A[i]! + B[i]!));
      const run = useGemm ? gemm : add;
      const args: Args = useGemm ? { A, B, bias, m, n, k } : { A, B, alpha: 2 };
      const r = run(args, into ? { into } : {});
      expect([...r]).toEqual(expected);
      if (into) expect(r).toBe(into);
      expect([[...A], [...B], [...bias]]).toEqual(before);
      for (const g of guards) expect(g.every((x) => x === 7)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
