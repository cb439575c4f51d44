import { describe, expect, it } from "vitest";
import {
  add,
  and,
  type Buffer,
  buffer,
  cast,
  type Expr,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  load,
  lt,
  mul,
  printExpr,
  printStmt,
  ramp,
  type Stmt,
  seq,
  store,
  sub,
  type Var,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { addresses } from "../../src/lower/address.ts";
import { planScratch } from "../../src/lower/scratch.ts";
import { alloc, block, buf, f32, func, iter, letIn, loop, rows, size, temp, vec, when } from "./parts.ts";
import { check } from "./stages.ts";

const A = buf("A", "f32", 64);
const C = buf("C", "f32", 64);
const copy = (to: Buffer, from: Buffer): Stmt => {
  const i = v("i");
  return loop(i, 4, store(to, [i], load(from, [i])));
};

describe("plan scratch", () => {
  const places = (f: Func): string[] => {
    const { offsets, total } = planScratch(f);
    return [...[...offsets].map(([b, at]) => `${b.name} at ${printExpr(at)}`), `total ${printExpr(total)}`];
  };
  const [P, Q, R] = [temp("P", "f32", 10), temp("Q", "u8", 100), temp("R", "f32", 10)];
  it("buffers that live one after the other share space", () => {
    const body = seq([
      alloc(P, seq([copy(P, A), copy(C, P)])),
      alloc(R, seq([copy(R, A), copy(C, R)])),
      alloc(P, alloc(Q, seq([copy(P, A), copy(Q, Q), copy(C, P)]))),
    ]);
    expect(places(func("f", [A], [C], body))).toMatchInlineSnapshot(`
      [
        "Q at 0",
        "P at 112",
        "R at 0",
        "total 160",
      ]
    `);
  });
  it("a chain uses two places in turn", () => {
    const list = [1, 2, 3, 4].map((n) => temp(`T${n}`, "f32", 4));
    const steps = [copy(list[0]!, A), ...[0, 1, 2].map((n) => copy(list[n + 1]!, list[n]!)), copy(C, list[3]!)];
    const body = list.reduceRight<Stmt>((s, b) => alloc(b, s), seq(steps));
    expect(places(func("f", [A], [C], body))).toMatchInlineSnapshot(`
      [
        "T1 at 0",
        "T2 at 16",
        "T3 at 0",
        "T4 at 16",
        "total 32",
      ]
    `);
  });
  it("a buffer used in a loop lives through all of it; one allocated in it does not outlive a step", () => {
    const k = v("k");
    const outside = alloc(P, alloc(R, seq([copy(P, A), loop(k, 3, seq([copy(C, P), copy(R, A), copy(C, R)]))])));
    expect(places(func("f", [A], [C], outside))).toMatchInlineSnapshot(`
      [
        "P at 0",
        "R at 48",
        "total 96",
      ]
    `);
    const inside = seq([alloc(P, seq([copy(P, A), copy(C, P)])), loop(k, 3, alloc(R, seq([copy(R, A), copy(C, R)])))]);
    expect(places(func("f", [A], [C], inside))).toMatchInlineSnapshot(`
      [
        "P at 0",
        "R at 0",
        "total 48",
      ]
    `);
  });
  it("symbolic sizes are stacked behind, 16-byte aligned and never negative", () => {
    const n = size("n", 0, 100);
    const [S, T] = [temp("S", "u8", n), temp("T", "f32", sub(mul(n, int(2)), int(1)))];
    const body = alloc(S, alloc(T, alloc(P, seq([copy(S, S), copy(T, A), copy(P, A), copy(C, T)]))));
    expect(places(func("f", [A], [C], body, { sizes: [n] }))).toMatchInlineSnapshot(`
      [
        "P at 0",
        "S at 48",
        "T at (n + 15) // 16 * 16 + 48",
        "total (max(n * 2 - 1, 0) + 3) // 4 * 16 + (n + 15) // 16 * 16 + 48",
      ]
    `);
  });
});

describe("addresses", () => {
  const go = (body: Stmt, ...more: Buffer[]): string => {
    const bases = new Map([A, C, ...more].map((b) => [b, { pointer: v(b.name), offset: int(0) }]));
    return `\n${printStmt(addresses(func("f", [A], [C], body), bases))}\n`;
  };
  const [i, j] = [v("i"), v("j")];
  it("one moving pointer for accesses that move alike; constants ride on the instruction", () => {
    const value = add(load(A, [i]), add(load(A, [add(i, int(1))]), load(A, [add(i, int(16))])));
    expect(go(loop(i, 8, store(C, [i], value)))).toMatchInlineSnapshot(`
      "
      pA := A
      pC := C
      for i in 8:
        mem[pC] = mem[pA] + (mem[pA + 4] + mem[pA + 64])
        pA := pA + 4
        pC := pC + 4
      "
    `);
  });
  it("vectors, and loops inside loops", () => {
    const x = add(mul(i, int(16)), mul(j, int(4)));
    const row = (e: Expr) => ramp(e, int(1), 4);
    const body = loop(i, 4, loop(j, 4, store(C, [row(x)], add(load(A, [row(x)]), load(A, [row(add(x, int(4)))])))));
    expect(go(body)).toMatchInlineSnapshot(`
      "
      pA := A
      pC := C
      for i in 4:
        pA_1 := pA
        pC_1 := pC
        for j in 4:
          mem[ramp(pC_1, 4, 4)] = mem[ramp(pA_1, 4, 4)] + mem[ramp(pA_1 + 16, 4, 4)]
          pA_1 := pA_1 + 16
          pC_1 := pC_1 + 16
        pA := pA + 64
        pC := pC + 64
      "
    `);
  });
  it("a negative constant is part of the pointer, never an immediate", () => {
    const body = loop(i, 8, when(ge(i, int(3)), store(C, [i], load(A, [sub(i, int(3))]))));
    expect(go(body)).toMatchInlineSnapshot(`
      "
      let A = -12 + A_1
      pA := A
      pC := C
      for i in 8:
        if i >= 3:
          mem[pC] = mem[pA]
        pA := pA + 4
        pC := pC + 4
      "
    `);
    const lazy = loop(i, 8, store(C, [i], where(ge(i, int(3)), load(A, [sub(i, int(3))]), f32(0))));
    expect(go(lazy)).toMatchInlineSnapshot(`
      "
      let A = -12 + A_1
      pA := A
      pC := C
      for i in 8:
        mem[pC] = where(i >= 3, mem[pA], 0.0)
        pA := pA + 4
        pC := pC + 4
      "
    `);
  });
  it("a positive constant is no immediate where the rest may be negative", () => {
    const reversed = loop(i, 8, store(C, [i], load(A, [sub(int(7), i)])));
    expect(go(reversed)).toMatchInlineSnapshot(`
      "
      let A = 28 + A_1
      pA := A
      pC := C
      for i in 8:
        mem[pC] = mem[pA]
        pA := pA + -4
        pC := pC + 4
      "
    `);
    const n = size("n");
    expect(go(loop(i, n, store(C, [i], load(A, [add(sub(i, n), int(60))]))))).toMatchInlineSnapshot(`
      "
      let A = 240 - n * 4 + A_1
      pA := A
      pC := C
      for i in n:
        mem[pC] = mem[pA]
        pA := pA + 4
        pC := pC + 4
      "
    `);
  });
  it("strides by symbolic sizes step the pointer", () => {
    const n = size("n");
    expect(
      go(loop(i, 4, loop(j, n, store(C, [add(mul(i, n), j)], load(A, [add(mul(j, int(4)), i)]))))),
    ).toMatchInlineSnapshot(`
      "
      pA := A
      pC := C
      for i in 4:
        pA_1 := pA
        pC_1 := pC
        for j in n:
          mem[pC_1] = mem[pA_1]
          pA_1 := pA_1 + 16
          pC_1 := pC_1 + 4
        pA := pA + 4
        pC := pC + n * 4
      "
    `);
  });
  it("loops that do not start at 0", () => {
    const n = size("n");
    const body = loop(i, 4, store(C, [i], load(A, [mul(i, int(2))])), { min: n });
    expect(go(body)).toMatchInlineSnapshot(`
      "
      pA := A + n * 8
      pC := C + n * 4
      for i in n .. +4:
        mem[pC] = mem[pA]
        pA := pA + 8
        pC := pC + 4
      "
    `);
  });
  it("a share that is no multiple of a loop's variable is added once per iteration of it", () => {
    const row = (e: Expr): Expr => add(mul(floormod(e, int(3)), int(4)), j);
    const both = add(load(A, [row(i)]), load(A, [row(add(i, int(1)))]));
    expect(go(loop(i, 8, loop(j, 4, store(C, [add(mul(i, int(4)), j)], both))))).toMatchInlineSnapshot(`
      "
      pC := C
      for i in 8:
        pA := A + truncrem(i, 3) * 16
        pA_1 := A + truncrem(i + 1, 3) * 16
        pA_2 := pA
        pA_3 := pA_1
        pC_1 := pC
        for j in 4:
          mem[pC_1] = mem[pA_2] + mem[pA_3]
          pA_2 := pA_2 + 4
          pA_3 := pA_3 + 4
          pC_1 := pC_1 + 4
        pC := pC + 16
      "
    `);
    // nothing is known of the sign here, and powers of two need not know
    const n = size("n", -9, 9);
    expect(go(loop(i, 8, store(C, [i], load(A, [floormod(add(i, n), int(3))]))))).toMatchInlineSnapshot(`
      "
      pC := C
      for i in 8:
        pA := A + (i + n) % 3 * 4
        mem[pC] = mem[pA]
        pC := pC + 4
      "
    `);
    expect(go(loop(i, 8, store(C, [i], load(A, [floormod(i, int(4))]))))).toMatchInlineSnapshot(`
      "
      pC := C
      for i in 8:
        pA := A + i % 4 * 4
        mem[pC] = mem[pA]
        pC := pC + 4
      "
    `);
  });
  it("what is known late is added at the access", () => {
    const [t, I] = [v("t"), buf("I", "i32", 8)];
    const body = loop(i, 8, letIn(t, load(I, [i]), store(C, [add(add(t, i), int(2))], load(A, [floordiv(i, int(2))]))));
    expect(go(body, I)).toMatchInlineSnapshot(`
      "
      let C = 8 + C_1
      pI := I
      pC := C
      for i in 8:
        pA := A + i // 2 * 4
        let t = mem[pI]
        mem_1[pC + (0 + t * 4)] = mem_1[pA]
        pI := pI + 4
        pC := pC + 4
      "
    `);
    expect(go(loop(i, 8, store(C, [i], load(A, [and(load(I, [i]), int(7))]))), I)).toMatchInlineSnapshot(`
      "
      pI := I
      pC := C
      for i in 8:
        mem[pC] = mem[A + (0 + (mem_1[pI] & 7) * 4)]
        pI := pI + 4
        pC := pC + 4
      "
    `);
  });
  it("an offset in scratch memory is part of the immediate or of a pointer made once", () => {
    const n = size("n");
    const T = buffer("T", "f32", [int(8)], "workspace");
    const U = buffer("U", "f32", [int(8)], "workspace");
    const scratch = v("scratch");
    const bases = new Map([
      [A, { pointer: v("A"), offset: int(0) }],
      [C, { pointer: v("C"), offset: int(0) }],
      [T, { pointer: scratch, offset: int(64) }],
      [U, { pointer: scratch, offset: mul(n, int(16)) }],
    ]);
    const body = loop(i, 8, seq([store(T, [i], load(A, [i])), store(U, [add(i, int(1))], load(T, [i]))]));
    expect(`\n${printStmt(addresses(func("f", [A], [C], body), bases))}\n`).toMatchInlineSnapshot(`
      "
      let scratch = n * 16 + scratch_1
      pA := A
      pscratch := scratch_1
      pscratch_1 := scratch
      for i in 8:
        mem[pscratch + 64] = mem[pA]
        mem[pscratch_1 + 4] = mem[pscratch + 64]
        pA := pA + 4
        pscratch := pscratch + 4
        pscratch_1 := pscratch_1 + 4
      "
    `);
  });
});

describe("memory from end to end", () => {
  it("reads before and after the ends, guarded, with buffers wherever they lie", async () => {
    const [X, Y] = [buf("X", "f32", 16), buf("Y", "f32", 16)];
    const before = (x: Var) => where(ge(x, int(3)), load(X, [sub(x, int(3))]), f32(0));
    const both = (x: Var) => and(ge(x, int(14)), lt(load(X, [x]), f32(0)));
    const behind = (x: Var) =>
      where(lt(x, int(13)), load(X, [add(x, int(3))]), where(both(x), load(X, [sub(x, int(14))]), f32(1)));
    for (const kind of ["serial", "vectorized", "unrolled"] as const)
      await check(
        func(
          "f",
          [X],
          [Y],
          rows("Y", 16, (x) => store(Y, [x], add(before(x), behind(x))), { loop: kind }),
        ),
      );
  });
  it("strided inputs", async () => {
    const X = buffer("X", "f32", [int(5), int(7)], "global", [int(2), int(11)]);
    const Y = buf("Y", "f32", 5, 7);
    const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
    const b = block("Y", [iter(vi, 5, i), iter(vj, 7, j)], store(Y, [vi, vj], load(X, [vi, vj])));
    await check(func("f", [X], [Y], loop(j, 7, vec(i, 5, b))));
    await check(func("f", [X], [Y], loop(i, 5, vec(j, 7, b))));
  });
  it("loops that run backwards, with symbolic strides", async () => {
    const n = size("n", 0, 64);
    const [X, Y] = [buf("X", "i16", n, n), buf("Y", "i32", n, n)];
    const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
    const back = (x: Expr) => sub(sub(n, int(1)), x);
    const value = cast("i32", load(X, [back(vj), back(vi)]));
    const b = block("Y", [iter(vi, n, i), iter(vj, n, j)], store(Y, [vi, vj], value));
    const f = func("f", [X], [Y], loop(i, n, loop(j, n, b)), { sizes: [n] });
    await check(f, ...[0, 1, 2, 5, 9].map((x) => ({ sizes: { n: x } })));
  });
});
