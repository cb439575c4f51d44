// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/** Random arithmetic on one or two operands: every operation that a dtype has. */
import { bitsOf, type DType, isFloat, isSigned } from "../../src/ir/index.ts";
import * as te from "../../te/index.ts";

type AnyExpr = te.Expr<any, any>;
export interface ChainSpec {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export function chain(a: AnyExpr, b: AnyExpr | undefined, d: DType, s: ChainSpec): AnyExpr {
  let e: any = a;
  for (const n of [s.x, s.y, s.z, s.x + s.z].slice(0, 2 + (s.x % 3))) {
    const other: any = b ?? (d === "bool" ? te.lit(1, "bool") : te.lit(3, d));
    if (d === "bool") e = [() => e.and(other), () => e.or(other), () => e.xor(other), () => e.not()][n % 4]!();
    else if (isFloat(d)) {
      const f = [
        () => e.add(other),
        () => e.mul(other),
        () => e.sub(other),
        () => e.max(other),
        () => e.div(other),
        () => e.abs(),
        () => e.abs().sqrt(),
        () => e.floor(),
        () => e.neg(),
        () => e.min(other),
        () => e.round(),
        () => e.trunc(),
        () => e.ceil(),
        () => e.clamp(-2, 2),
        () => e.fma(other, 1),
        () => e.sigmoid(),
        () => e.exp(),
        () => e.tanh(),
        () => e.pmin(other),
        () => e.pmax(other),
        () => e.sin(),
        () => e.round().max(0),
        () => e.neg().min(0),
        () => e.abs().add(1).log(),
        () => te.select(e.lt(other), other, e.neg()),
      ];
      e = f[n % f.length]!();
    } else {
      // what signed numbers of the dtype's bits (or of 16) hold, all but
      const near = bitsOf(d) === 8 || s.y % 4 === 1 ? 125 : 32765;
      const f = [
        () => e.add(other),
        () => e.mul(other),
        () => e.sub(other),
        () => e.max(other),
        () => e.div(other),
        () => e.mod(other),
        () => e.abs(),
        () => e.and(other),
        () => e.or(other),
        () => e.shr(1),
        () => e.shl(2),
        () => e.truncDiv(other),
        () => e.rem(other),
        () => e.addSat(other),
        () => e.subSat(other),
        // Near the limit on purpose: with inputs as small as the others' a saturating sum rarely saturates.
        () => e.addSat(te.lit(near, d)),
        () => e.halvingAdd(other),
        () => e.roundingHalvingAdd(other),
        () => e.min(other),
        () => e.not(),
        () => e.neg(),
        () => e.mulSat(other),
        () => e.roundingShr(1),
        () => e.div(3),
        () => e.mod(7),
        ...(isSigned(d)
          ? [() => e.div(-2), () => e.mod(-5)]
          : [() => e.and(15).addSat(te.lit(near, d)), () => e.or(near - 5).addSat(other)]),
        () => e.xor(other),
        () => e.shr(other),
        () => e.shl(other),
        () => te.select(e.lt(other), other, e.add(1)),
        ...(isSigned(d) ? [() => e.roundingMulQ(other)] : []),
        ...(bitsOf(d) < 64
          ? [
              () => e.widenMul(other).shr(1).cast(d),
              () => e.widenAdd(other).shr(1).cast(d),
              () => e.widenSub(other).satCast(d),
            ]
          : []),
      ];
      e = f[n % f.length]!();
    }
  }
  return e;
}
