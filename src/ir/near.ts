/** Names that somebody may have meant: for messages about one that there is not. */

/** How many letters must be put in, left out, replaced or swapped with a neighbour to make one word of another. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, rows[i - 2]![j - 2]! + 1);
      row.push(d);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The nearest of some names, best first, `most` at most; only those that differ in a third of their letters or less. */
export function nearNames(given: string, names: Iterable<string>, most = 3): string[] {
  const word = given.toLowerCase().slice(0, 64);
  const scored = [...names].map((name) => ({ name, d: distance(word, name.toLowerCase()) }));
  const near = scored.filter((x) => x.d <= Math.max(1, Math.ceil(Math.max(word.length, x.name.length) / 3)));
  return near
    .sort((x, y) => x.d - y.d)
    .slice(0, most)
    .map((x) => x.name);
}
