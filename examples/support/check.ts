/** What the examples share: reproducible inputs and a comparison with the oracle on a sample of outputs. */

/** n numbers in [-1, 1), the same for the same seed. */
export function random(n: number, seed: number): Float32Array {
  let x = seed * 2654435761 + 12345;
  return Float32Array.from({ length: n }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    return x / 2 ** 31;
  });
}

/** Positions spread over a shape, corners included. */
export function samples(shape: readonly number[], count = 200): number[][] {
  const corner = (bits: number): number[] => shape.map((n, d) => ((bits >> d) & 1 ? n - 1 : 0));
  const some = Array.from({ length: count }, (_, t) =>
    shape.map((n, d) => Math.floor(n * (((t + 1) * [0.618034, 0.754878, 0.56984, 0.819173][d % 4]!) % 1))),
  );
  return [...Array.from({ length: 2 ** shape.length }, (_, b) => corner(b)), ...some];
}

/** Compares a result with the oracle at sampled positions; prints, and fails the process where they differ. */
export function check(
  name: string,
  got: ArrayLike<number>,
  oracle: (at: readonly (readonly number[])[]) => ArrayLike<number | bigint>,
  shape: readonly number[],
  tolerance = 1e-4,
): void {
  const at = samples(shape);
  const want = oracle(at);
  let worst = 0;
  at.forEach((ix, n) => {
    const flat = ix.reduce((f, i, d) => f * shape[d]! + i, 0);
    const w = Number(want[n]);
    worst = Math.max(worst, Math.abs(Number(got[flat]) - w) / Math.max(1, Math.abs(w)));
  });
  const ok = worst <= tolerance;
  console.log(
    `${name}: ${at.length} outputs against the oracle, worst relative difference ${worst.toExponential(1)}${ok ? "" : "  WRONG"}`,
  );
  if (!ok) process.exitCode = 1;
}
