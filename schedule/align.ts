/**
 * Pairs what two lists share, in order, as many as possible: `[i, j]` stayed, `[i, undefined]` went, `[undefined, j]` came.
 * What went stands before what came in its place.
 */
export function align(
  old: number,
  now: number,
  same: (i: number, j: number) => boolean,
): (readonly [number | undefined, number | undefined])[] {
  const out: (readonly [number | undefined, number | undefined])[] = [];
  let begin = 0;
  for (; begin < Math.min(old, now) && same(begin, begin); begin++) out.push([begin, begin]);
  const equal = Array.from({ length: old - begin }, (_, i) =>
    Array.from({ length: now - begin }, (_, j) => same(begin + i, begin + j)),
  );
  // common[i][j]: how many the rests from i and from j share at most
  const common = Array.from({ length: equal.length + 1 }, () => new Array<number>(now - begin + 1).fill(0));
  for (let i = old - begin - 1; i >= 0; i--)
    for (let j = now - begin - 1; j >= 0; j--)
      common[i]![j] = equal[i]![j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  for (let i = 0, j = 0; begin + i < old || begin + j < now; ) {
    if (equal[i]?.[j]) out.push([begin + i++, begin + j++]);
    else if (begin + j === now || (begin + i < old && common[i + 1]![j]! >= common[i]![j + 1]!))
      out.push([begin + i++, undefined]);
    else out.push([undefined, begin + j++]);
  }
  return out;
}
