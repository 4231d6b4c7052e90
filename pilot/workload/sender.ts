import type { DigitImage } from "../digits/dataset";
import { shuffled, type Random } from "../digits/random";
import type { HttpClient } from "./http";
import { LabelBacklog } from "./labels";
import type { TelemetryReporter } from "./telemetry";

export type SenderOptions = {
  readonly agentUrl: string;
  readonly token: string;
  /** The service that is called; it is also the workload that labels belong to. */
  readonly service: string;
  /** Marks prediction ids as this sender's, so that two clients never share one. */
  readonly name: string;
  readonly images: readonly DigitImage[];
  readonly ratePerSecond: number;
  readonly labelDelayMs: { readonly min: number; readonly max: number };
  readonly client: HttpClient;
  readonly reporter: Pick<TelemetryReporter, "add" | "waiting" | "dropped">;
  readonly random: Random;
  readonly backlog?: number;
};

type Target = { readonly unit: string; readonly address: string; readonly port: number };
export type SenderStats = { sent: number; answered: number; retried: number; failed: number; noEndpoint: number; skipped: number };

/** A request goes to at most this many endpoints before it is given up. */
const ATTEMPTS = 3;
const ATTEMPT_TIMEOUT_MS = 2_000;
const REFRESH_MS = 1_000;
const LABEL_CHECK_MS = 500;
/** Requests in hand beyond this are not started: a slow service must not pile up work in the client. */
const MAX_IN_HAND = 16;

/**
 * Sends held-out images to the healthy endpoints of a service at a steady rate and hands their labels in later.
 * It never gives up: while the agent is away it goes on with the endpoints it knew, and while no endpoint is
 * known it keeps asking.
 */
export class ImageSender {
  readonly stats: SenderStats = { sent: 0, answered: 0, retried: 0, failed: 0, noEndpoint: 0, skipped: 0 };
  readonly labels: LabelBacklog;
  readonly #o: SenderOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #targets: readonly Target[] = [];
  #round: DigitImage[] = [];
  #number = 0;
  #inHand = 0;
  #asking = false;

  constructor(o: SenderOptions) {
    this.#o = o;
    this.labels = new LabelBacklog(o.backlog ?? 10_000);
  }

  start(): void {
    void this.#refresh();
    this.#every(REFRESH_MS, () => void this.#refresh());
    this.#every(LABEL_CHECK_MS, () => this.handInLabels(Date.now()));
    this.#every(1_000 / this.#o.ratePerSecond, () => this.#begin());
  }

  /** Stops sending. Labels that are not due yet are lost with the process, as they would be with a real client. */
  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Hands labels whose time has come to the reporter, which keeps them while the agent is away. */
  handInLabels(nowMs: number): void {
    for (const { id, label } of this.labels.takeDue(nowMs)) this.#o.reporter.add("labels", { id, workload: this.#o.service, label, atMs: nowMs });
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms));
  }

  #begin(): void {
    if (this.#inHand >= MAX_IN_HAND) {
      this.stats.skipped += 1;
      return;
    }
    this.#inHand += 1;
    void this.send(this.#nextImage()).finally(() => (this.#inHand -= 1));
  }

  /** Sends one image, to another endpoint when one fails. Never rejects; the outcome is in `stats`. */
  async send(image: DigitImage): Promise<void> {
    this.#number += 1;
    this.stats.sent += 1;
    const targets = shuffled(this.#targets, this.#o.random).slice(0, ATTEMPTS);
    if (targets.length === 0) {
      this.stats.noEndpoint += 1;
      return;
    }
    const startedAt = performance.now();
    for (const [attempt, target] of targets.entries()) {
      if (attempt > 0) this.stats.retried += 1;
      // Each attempt has an id of its own: one that was served although its answer got lost must not get the label of another.
      const id = `${image.id}.${this.#o.name}.${this.#number}${attempt === 0 ? "" : `r${attempt}`}`;
      if (await this.#attempt(target, id, image)) {
        this.stats.answered += 1;
        this.#o.reporter.add("requests", { latencyMs: performance.now() - startedAt, ok: true });
        const { min, max } = this.#o.labelDelayMs;
        this.labels.add({ id, label: String(image.label), dueAtMs: Date.now() + min + this.#o.random() * (max - min) });
        return;
      }
    }
    this.stats.failed += 1;
    this.#o.reporter.add("requests", { latencyMs: performance.now() - startedAt, ok: false });
  }

  async #attempt(target: Target, id: string, image: DigitImage): Promise<boolean> {
    const url = `http://${target.address}:${target.port}/v1/predict`;
    return this.#o.client.call({ method: "POST", url, body: { id, pixels: image.pixels }, timeoutMs: ATTEMPT_TIMEOUT_MS }).then(
      (answer) => answer.status === 200,
      () => false,
    );
  }

  /** Asks the agent who is healthy. What was known stays known when the agent does not answer. */
  async #refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const answer = await this.#o.client.call({ method: "GET", url: `${this.#o.agentUrl}/v1/services/${this.#o.service}`, token: this.#o.token, timeoutMs: 2_000 });
      if (answer.status === 200) this.#targets = (JSON.parse(answer.body) as { endpoints: Target[] }).endpoints;
      // The agent knows no such service: that is an answer, and the endpoints from before are gone.
      else if (answer.status === 404) this.#targets = [];
    } catch {
      // The agent is restarting or was updated; the units it started go on, so their addresses are still good.
    } finally {
      this.#asking = false;
    }
  }

  /** Goes through all images in a random order before any comes a second time. */
  #nextImage(): DigitImage {
    if (this.#round.length === 0) this.#round = shuffled(this.#o.images, this.#o.random);
    return this.#round.pop() as DigitImage;
  }
}
