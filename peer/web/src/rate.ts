// How fast a transfer is, from what its progress messages say.

interface Sample {
  readonly time: number;
  readonly done: number;
}

const windowMilliseconds = 8000;
const stalledMilliseconds = 5000;

/** A rate over the last eight seconds. Times are milliseconds of any clock that does not jump. */
export class RateEstimator {
  private samples: Sample[] = [];
  private moved: number;

  constructor(now: number) {
    this.moved = now;
  }

  /** `done` bytes were there at `now`. Fewer than before mean that something began anew. */
  add(now: number, done: number): void {
    const last = this.samples.at(-1);
    if (last !== undefined && done < last.done) this.samples = [];
    if (last === undefined || done !== last.done) this.moved = now;
    this.samples.push({ time: now, done });
    while (this.samples.length > 2 && now - this.samples[1]!.time >= windowMilliseconds) this.samples.shift();
  }

  /** Bytes per second, or null as long as there is too little to tell it from. */
  rate(): number | null {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.time - first.time < 500) return null;
    return ((last.done - first.done) * 1000) / (last.time - first.time);
  }

  /** Seconds until `total` bytes are there at this rate, or null. */
  left(total: number): number | null {
    const rate = this.rate();
    const last = this.samples.at(-1);
    if (rate === null || last === undefined || rate < 1) return null;
    return (total - last.done) / rate;
  }

  /** Whole seconds in which nothing has moved, or 0 as long as that is nothing unusual. */
  stalled(now: number): number {
    return now - this.moved < stalledMilliseconds ? 0 : Math.floor((now - this.moved) / 1000);
  }

  /** Forgets everything: what comes next has nothing to do with what was. */
  restart(now: number): void {
    this.samples = [];
    this.moved = now;
  }
}
