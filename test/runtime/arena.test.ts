import { describe, expect, it } from "vitest";
import { ArenaError, arena, type Kernel, load, RuntimeArgumentError } from "../../src/runtime/index.ts";
import { addModule, n, notModule, of, pairModule } from "./modules.ts";

type Add = Kernel<{ A: Float32Array; B: Float32Array; alpha: number; n?: number }, Float32Array>;
const PAGE = 65536;
const code = (f: () => unknown): string => {
  try {
    f();
  } catch (e) {
    if (e instanceof ArenaError || e instanceof RuntimeArgumentError) return `${e.code}: ${e.message}`;
    throw e;
  }
  return "nothing was thrown";
};

describe("arrays", () => {
  it("are typed, aligned, apart and zero", () => {
    const mem = arena({ max: "1MB" });
    const a = mem.array("u8", [3]);
    const b: BigInt64Array = mem.array("i64", [2, 3]);
    const c: Uint16Array = mem.array("f16", 5);
    const none = mem.array("f32", [4, 0]);
    expect([a.length, b.length, c.length, none.length, mem.array("f64", []).length]).toEqual([3, 6, 5, 0, 1]);
    for (const x of [a, b, c, none]) expect(x.byteOffset % 16).toBe(0);
    a.fill(255);
    expect(b).toEqual(new BigInt64Array(6));
    expect(new Set([a, b, c, none].map((x) => x.byteOffset)).size).toBe(4);
  });
  it("are given back and handed out again, as zeros", () => {
    const mem = arena({ max: "1MB" });
    const [a, b, c] = [mem.array("f32", 100), mem.array("f32", 100), mem.array("f32", 4)];
    c[0] = 5;
    a.fill(1);
    b.fill(2);
    mem.free(a);
    expect(code(() => mem.free(a))).toMatchInlineSnapshot(`"arena-array: arena.free: it was freed before"`);
    mem.free(b);
    const d = mem.array("f32", 200);
    expect(d.byteOffset).toBe(a.byteOffset);
    expect(d).toEqual(new Float32Array(200));
    const used = mem.used;
    mem.free(c);
    mem.free(d);
    expect(mem.used).toBeLessThan(used);
    const e = mem.array("u8", 7);
    expect(e.byteOffset).toBe(a.byteOffset);
    mem.reset();
    expect(code(() => mem.view(e))).toMatch(/^arena-array: .*freed before/);
    expect(mem.array("f32", 4).byteOffset).toBe(e.byteOffset);
    expect(code(() => mem.view(new Uint8Array(3)))).toMatch(/^arena-array: .*not an array/);
  });
  it("grow the memory up to max, and then refuse", () => {
    const mem = arena({ max: "1MB", initial: "64KB" });
    const a = mem.array("f32", 10);
    a[3] = 4;
    const big = mem.array("u8", 3 * PAGE);
    expect(a.length).toBe(0);
    const again = mem.view(a);
    expect(again[3]).toBe(4);
    expect(mem.view(again)).toBe(again);
    expect(mem.view(big)).toBe(big);
    expect(code(() => mem.array("u8", [1024, 1024]))).toMatchInlineSnapshot(
      `"arena-full: arena.array: u8[1024,1024] takes 1 MB, but of max 1 MB only 831.9 KB are left"`,
    );
    mem.array("u8", 900 * 1024 - 3 * PAGE);
    expect(mem.memory.buffer.byteLength).toBe(2 ** 20);
  });
  it("refuse bad options", () => {
    expect(code(() => arena({ max: "64 KiB", initial: PAGE }))).toBe("nothing was thrown");
    expect(code(() => arena({ max: "lots" }))).toMatchInlineSnapshot(
      `"arena-options: arena: max is "lots", but must be bytes or text such as "64KB" or "1GB""`,
    );
    expect(code(() => arena({ max: "4GB" }))).toMatchInlineSnapshot(
      `"arena-options: arena: max 4 GB and initial 16 MB must be 64 KB to 2 GB, initial up to max"`,
    );
    expect(code(() => arena({ max: 1000 }))).toMatch(/^arena-options/);
    expect(code(() => arena({ max: "1MB", initial: "2MB" }))).toMatch(/^arena-options/);
    expect(code(() => arena().array("f32", [2, -1]))).toMatchInlineSnapshot(
      `"arena-options: arena.array("f32", [2,-1]): -1 is not a length"`,
    );
    expect(code(() => arena({ max: "1MB" }).reserve("2MB"))).toMatch(/^arena-full/);
  });
});

for (const shared of [false, true])
  describe(`kernels in ${shared ? "a shared" : "an"} arena`, () => {
    it("chain without copies", async () => {
      const mem = arena({ max: "4MB", shared });
      const k = (await load(addModule({ scratch: 0 }), { arena: mem })) as unknown as Add;
      const l = (await load(addModule({ scratch: of("mul", n, 8) }), { arena: mem })) as unknown as Add;
      expect(k.memory).toBe(mem.memory);
      const [a, b, c, d] = [0, 1, 2, 3].map(() => mem.array("f32", 5)) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      a.fill(1);
      b.set([1, 2, 3, 4, 5]);
      const used = mem.used;
      expect(k({ A: a, B: b, alpha: 2 }, { into: c })).toBe(c);
      expect(l({ A: c, B: c, alpha: 1 }, { into: d })).toBe(d);
      expect([...d]).toEqual([8, 12, 16, 20, 24]);
      expect(mem.used).toBe(used);
    });
    it("take arrays from elsewhere too, and return fresh ones", async () => {
      const mem = arena({ max: "1MB", shared });
      const k = (await load(addModule(), { arena: mem })) as unknown as Add;
      const a = mem.array("f32", 3).fill(1);
      const c = k({ A: a, B: Float32Array.of(1, 2, 3), alpha: 1 });
      expect(c).toEqual(Float32Array.of(2, 3, 4));
      expect(c.buffer).toBeInstanceOf(ArrayBuffer);
      expect([...a]).toEqual([1, 1, 1]);
      const other = arena({ max: "1MB", shared }).array("f32", 3);
      expect(k({ A: a, B: a, alpha: 3 }, { into: other })).toBe(other);
      expect([...other]).toEqual([6, 6, 6]);
      expect(code(() => k({ A: a, B: other, alpha: 1 }, { into: other }))).toMatch(/^argument-overlap/);
    });
    it("take views of the caller's own making, where they are aligned and allocated", async () => {
      const mem = arena({ max: "1MB", shared });
      const k = (await load(addModule(), { arena: mem })) as unknown as Add;
      const a = mem.array("f32", 12).fill(1);
      k({ A: a.subarray(0, 4), B: a.subarray(0, 4), alpha: 1 }, { into: a.subarray(4, 8) });
      expect([...a]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1]);
      expect(code(() => k({ A: a.subarray(1, 3), B: a.subarray(0, 2), alpha: 1 }))).toMatch(
        /^argument-alignment: add: A begins at byte 68 of the arena, but a multiple of 16 was expected/,
      );
      expect(code(() => k({ A: a, B: a, alpha: 1 }, { into: a }))).toMatch(/^argument-overlap: add: into overlaps A/);
      const wild = new Float32Array(mem.memory.buffer, mem.used, 12);
      expect(code(() => k({ A: a, B: wild, alpha: 1 }))).toMatch(/^argument-memory: add: B lies where the arena/);
      mem.free(a);
      expect(code(() => k({ A: a, B: a, alpha: 1 }))).toMatch(/^argument-memory: add: A lies where the arena/);
    });
    it("have room for scratch that does not touch arrays", async () => {
      const mem = arena({ max: "8MB", initial: "1MB", shared });
      const k = (await load(addModule(), { arena: mem })) as unknown as Add;
      const [a, b, c] = [mem.array("f32", 1000), mem.array("f32", 1000), mem.array("f32", 1000)];
      const guard = mem.array("u8", 1000).fill(9);
      a.fill(1);
      k({ A: a, B: b, alpha: 1 }, { into: c });
      expect(guard.every((x) => x === 9)).toBe(true);
      expect(c.every((x) => x === 1)).toBe(true);
      // what was scratch is zero again in a new array
      expect(mem.array("u8", 9000).every((x) => x === 0)).toBe(true);
    });
  });

describe("growing", () => {
  it("detaches views of an unshared memory: a named error", async () => {
    const mem = arena({ max: "1MB", initial: "64KB" });
    const k = (await load(addModule({ scratch: 0 }), { arena: mem })) as unknown as Add;
    const a = mem.array("f32", 10);
    const b = mem.array("f32", 2 * PAGE);
    expect(code(() => k({ A: b, B: a, alpha: 1 }))).toMatchInlineSnapshot(
      `"argument-detached: add: B is detached: the arena's memory grew since; get the array again with arena.view()"`,
    );
    expect(code(() => k({ A: b, B: b, alpha: 1 }, { into: a }))).toMatch(/^argument-detached: add: into is detached/);
    mem.view(a).fill(3);
    const c = mem.view(a);
    expect(k({ A: c, B: c, alpha: 1 })).toEqual(new Float32Array(10).fill(6));
  });
  it("never happens in a call while arrays are in use", async () => {
    const mem = arena({ max: "4MB", initial: "64KB" });
    const k = (await load(addModule(), { arena: mem })) as unknown as Add;
    const big = new Float32Array(PAGE);
    // without arrays there is nothing to detach
    k({ A: big, B: big, alpha: 1 });
    const size = mem.memory.buffer.byteLength;
    const a = mem.array("f32", 10);
    const bigger = new Float32Array(2 * PAGE);
    const said = code(() => k({ A: bigger, B: bigger, alpha: 1 }));
    expect(said).toMatchInlineSnapshot(
      `"arena-full: add needs 2.5 MB of the arena for scratch and arrays outside of it; growing now would detach the arrays in use: call arena.reserve(2621440) before making any"`,
    );
    expect([mem.memory.buffer.byteLength, a.length]).toEqual([size, 10]);
    mem.reserve(Number(/reserve\((\d+)\)/.exec(said)![1]));
    expect(mem.view(a).length).toBe(10);
    expect(k({ A: bigger, B: bigger, alpha: 1 }).length).toBe(2 * PAGE);
    const biggest = new Float32Array(8 * PAGE);
    expect(code(() => k({ A: biggest, B: biggest, alpha: 1 }))).toMatchInlineSnapshot(
      `"arena-full: add needs 10 MB of the arena for scratch and arrays outside of it, but of max 4 MB only 4.0 MB are left"`,
    );
  });
  it("leaves shared arrays as they are, old buffers and new", async () => {
    const mem = arena({ max: "4MB", initial: "64KB", shared: true });
    const k = (await load(addModule(), { arena: mem })) as unknown as Add;
    const a = mem.array("f32", 10).fill(1);
    const b = mem.array("f32", 2 * PAGE);
    expect(a.buffer).not.toBe(b.buffer);
    const into = mem.array("f32", 10);
    k({ A: a, B: b.subarray(0, 10), alpha: 5 }, { into });
    expect([...into]).toEqual(new Array(10).fill(5));
    // one place seen through two buffer objects
    expect(code(() => k({ A: a, B: mem.view(a), alpha: 5 }, { into: mem.view(a) }))).toMatch(/^argument-overlap/);
    const big = new Float32Array(2 * PAGE);
    k({ A: big, B: big, alpha: 1 });
    expect(a[0]).toBe(1);
  });
  it("leaves room for kernels loaded before", async () => {
    const mem = arena({ max: "4MB", initial: "64KB" });
    const k = (await load(addModule({ scratch: 1024 * 1024 }), { arena: mem })) as unknown as Add;
    const a = mem.array("f32", 10);
    expect(k({ A: a, B: a, alpha: 1 }).length).toBe(10);
  });
});

describe("other dtypes in an arena", () => {
  it("bool and several results", async () => {
    const mem = arena({ max: "1MB" });
    const pair = await load(pairModule(), { arena: mem });
    const not = await load(notModule(), { arena: mem });
    const X = mem.array("i64", 3);
    X.set([-1n, 1n, 2n]);
    const P = mem.array("bool", 3);
    const r = pair({ X }, { into: { P } as never }) as { S: BigInt64Array; P: Uint8Array };
    expect(r.P).toBe(P);
    expect(r.S).toEqual(BigInt64Array.of(0n, 2n, 3n));
    expect(not({ X: P })).toEqual(Uint8Array.of(1, 0, 0));
    P[1] = 2;
    expect(code(() => not({ X: P }))).toMatch(/^argument-value: not: X\[1\] is 2/);
  });
});
