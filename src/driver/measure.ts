/**
 * Timing on a shared machine: absolute figures drift, so contestants are warmed, then run in turns, and compared round by round.
 */

/** What is timed: one call. A promise is awaited; a plain function is timed without any. */
export type Timed = () => unknown;

export interface MeasureOptions {
  /** How often every contestant gets its turn (default 15). */
  readonly rounds?: number;
  /** A turn repeats the call until about this long has passed (default 4 ms). */
  readonly minMs?: number;
  /** Most time spent on warming one contestant (default 600 ms); engines tier up with use. */
  readonly warmMs?: number;
  /** Soft limit for the whole measurement in ms: rounds are cut short (never below three) when it is used up. */
  readonly budgetMs?: number;
}

export interface Timing {
  /** Median over the rounds, in ms per call. */
  readonly ms: number;
  /** Fastest round, in ms per call. */
  readonly min: number;
  /** ms per call, one figure a round. */
  readonly samples: readonly number[];
}

/** The middle value; the mean of the two middle ones for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const v = [...values].sort((a, b) => a - b);
  const m = v.length >> 1;
  if (v.length === 0) return Number.NaN;
  return v.length % 2 === 1 ? v[m]! : (v[m - 1]! + v[m]!) / 2;
}

const DEFAULTS = { rounds: 15, minMs: 4, warmMs: 600 } as const;
const WARM_AT_LEAST_MS = 60;
const STABLE = 0.03;

async function turn(fn: Timed, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    const r = fn();
    if (r instanceof Promise) await r;
  }
  return (performance.now() - start) / calls;
}

const repeats = (ms: number, minMs: number): number =>
  Math.min(1e6, Math.max(1, Math.ceil(minMs / Math.max(ms, 1e-5))));

interface Entry {
  readonly fn: Timed;
  readonly samples: number[];
  calls: number;
  warm: boolean;
}

/**
 * Named functions, measured in turns.
 *
 *     const run = new Interleaved({ mine: () => k(args), theirs: () => peer.run() });
 *     const { mine, theirs } = await run.measure({ rounds: 15, minMs: 4 });
 */
export class Interleaved<N extends string> {
  readonly names: readonly N[];
  private readonly entries: ReadonlyMap<N, Entry>;

  constructor(fns: { readonly [P in N]: Timed }) {
    this.names = Object.keys(fns) as N[];
    this.entries = new Map(this.names.map((n) => [n, { fn: fns[n], samples: [], calls: 1, warm: false }]));
  }

  private entry(name: N): Entry {
    return this.entries.get(name)!;
  }

  /** Calls each function until its time is stable (three batches within 3 %), or `warmMs` has passed. Done once per function. */
  async warm(o: Pick<MeasureOptions, "minMs" | "warmMs"> = {}): Promise<void> {
    const { minMs = DEFAULTS.minMs, warmMs = DEFAULTS.warmMs } = o;
    for (const name of this.names) {
      const e = this.entry(name);
      if (e.warm) continue;
      const start = performance.now();
      const recent: number[] = [];
      for (;;) {
        const ms = await turn(e.fn, e.calls);
        e.calls = repeats(ms, minMs);
        recent.push(ms);
        if (recent.length > 3) recent.shift();
        const spent = performance.now() - start;
        const stable = recent.length === 3 && Math.max(...recent) <= Math.min(...recent) * (1 + STABLE);
        if (spent >= warmMs || (stable && spent >= Math.min(WARM_AT_LEAST_MS, warmMs))) break;
      }
      e.warm = true;
    }
  }

  /**
   * One turn for everybody. The order turns with the rounds, so that no one always follows the same neighbour; and where a turn has
   * several calls, one more comes first, untimed: it fetches back what the neighbour has driven out of the caches.
   */
  async round(index: number): Promise<void> {
    for (let i = 0; i < this.names.length; i++) {
      const e = this.entry(this.names[(i + index) % this.names.length]!);
      if (e.calls > 1) await turn(e.fn, 1);
      e.samples.push(await turn(e.fn, e.calls));
    }
  }

  async measure(o: MeasureOptions = {}): Promise<{ readonly [P in N]: Timing }> {
    const { rounds = DEFAULTS.rounds, budgetMs = Number.POSITIVE_INFINITY } = o;
    const start = performance.now();
    // At most half of a budget goes into warming.
    const share = budgetMs / 2 / Math.max(1, this.names.length);
    await this.warm({ ...o, warmMs: Math.min(o.warmMs ?? DEFAULTS.warmMs, share) });
    for (const n of this.names) this.entry(n).samples.length = 0;
    for (let r = 0; r < rounds; r++) {
      if (r >= 3 && performance.now() - start > budgetMs) break;
      await this.round(r);
    }
    return this.result();
  }

  /** The figures of all rounds so far. */
  result(): { readonly [P in N]: Timing } {
    const rows = this.names.map((n): [N, Timing] => {
      const { samples } = this.entry(n);
      return [n, { ms: median(samples), min: Math.min(...samples), samples: [...samples] }];
    });
    return Object.fromEntries(rows) as { [P in N]: Timing };
  }
}

/** Measures named functions in turns: `await measure({ a, b }, { rounds: 15, minMs: 4 })` gives ms per call for each. */
export function measure<N extends string>(
  fns: { readonly [P in N]: Timed },
  options: MeasureOptions = {},
): Promise<{ readonly [P in N]: Timing }> {
  return new Interleaved(fns).measure(options);
}

/** How many times faster `a` is than `b`: the median of the ratios within each round, which drift does not touch. */
export function speedup(a: Timing, b: Timing): number {
  const n = Math.min(a.samples.length, b.samples.length);
  return median(Array.from({ length: n }, (_, i) => b.samples[i]! / a.samples[i]!));
}
