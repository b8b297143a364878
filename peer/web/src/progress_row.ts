import { formatDuration, formatSize } from "./format";
import { RateEstimator } from "./rate";
import { announce, element, setText } from "./view";

/** How far one transfer is: a bar, bytes, rate and remaining time. */
export class ProgressRow {
  readonly root = element("div", "card row");
  private readonly percent = element("span", "percent");
  private readonly bar = element("progress");
  private readonly facts = element("p", "facts");
  private readonly estimator = new RateEstimator(performance.now());
  private done = 0;
  private total: number | null = null;
  private quarter = 0;
  private state: "moving" | "broken" | "complete" = "moving";

  constructor(private readonly label: string) {
    const head = element("p", "head");
    head.append(element("span", "", label), this.percent);
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", label);
    this.root.append(head, this.bar, this.facts);
  }

  /** From 0 to 1; null where the size is not known. */
  get part(): number | null {
    if (this.state === "complete") return 1;
    if (this.total === null) return null;
    return this.total === 0 ? 0 : Math.min(1, this.done / this.total);
  }

  get complete(): boolean {
    return this.state === "complete";
  }

  update(done: number, total: number | null): void {
    if (this.complete) return;
    this.state = "moving";
    this.done = done;
    this.total = total;
    this.estimator.add(performance.now(), done);
    this.draw();
    const quarter = Math.floor((this.part ?? 0) * 4);
    if (quarter > this.quarter && quarter < 4) announce(`${this.label}: ${quarter * 25} percent. ${this.left()}`);
    this.quarter = Math.max(quarter, this.quarter);
  }

  /** The connection is lost; what has passed stays. */
  broken(): void {
    if (this.complete) return;
    this.state = "broken";
    this.estimator.restart(performance.now());
    this.draw();
  }

  continued(): void {
    if (this.complete) return;
    this.state = "moving";
    this.estimator.restart(performance.now());
    this.draw();
  }

  finish(text: string): void {
    this.state = "complete";
    this.root.classList.add("done");
    this.bar.value = 1;
    setText(this.percent, "100%");
    setText(this.facts, text);
  }

  /** Once a second: so that one sees when nothing moves. */
  tick(): void {
    if (this.state === "moving") this.draw();
  }

  private left(): string {
    const seconds = this.total === null ? null : this.estimator.left(this.total);
    if (seconds === null) return "";
    return seconds < 10 ? "A few seconds left." : `About ${formatDuration(seconds)} left.`;
  }

  private draw(): void {
    const part = this.part;
    if (part === null) this.bar.removeAttribute("value");
    else this.bar.value = part;
    setText(this.percent, part === null ? "" : `${Math.floor(part * 100)}%`);
    const facts = [this.total === null ? formatSize(this.done) : `${formatSize(this.done)} of ${formatSize(this.total)}`];
    const stalled = this.estimator.stalled(performance.now());
    const rate = this.estimator.rate();
    if (this.state === "broken") facts.push("the connection is lost");
    else if (this.total !== null && this.done >= this.total) facts.push("finishing");
    else if (stalled > 0) facts.push(`nothing has moved for ${stalled} seconds`);
    else if (rate !== null) facts.push(`${formatSize(rate)}/s`, this.left().replace(/^A(.*)\.$/, "a$1"));
    setText(this.facts, facts.filter((fact) => fact !== "").join(" · "));
  }
}
