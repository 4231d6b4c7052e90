import type { Logger } from "./log";

/** Stops a process in order. Register stops in the order of starting; they run last-registered first. */
export interface Shutdown {
  /** Adds a step. It must finish the work in hand and close; it should not throw. */
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** Runs all steps once; later calls return the same promise. */
  stop(reason: string): Promise<void>;
  /** True from the moment stopping began: say "not ready", take no new work. */
  readonly stopping: boolean;
}

/**
 * A shutdown. `bindSignals` makes SIGTERM and SIGINT start it, and a bug that nobody caught end the process with code 1
 * after it. A step that takes longer than `stepTimeoutMs` is left behind, with a log line that names it.
 */
export function createShutdown(o: { log: Logger; stepTimeoutMs?: number }): Shutdown & { bindSignals(): void } {
  const steps: { name: string; stop: () => Promise<void> | void }[] = [];
  const stepTimeoutMs = o.stepTimeoutMs ?? 10_000;
  let running: Promise<void> | undefined;

  async function runStep(step: { name: string; stop: () => Promise<void> | void }): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), stepTimeoutMs);
    });
    try {
      const outcome = await Promise.race([Promise.resolve(step.stop()), late]);
      if (outcome === "late") o.log.warn({ step: step.name, stepTimeoutMs }, "a step of stopping took too long and was left behind");
    } catch (error) {
      o.log.error({ step: step.name, err: error }, "a step of stopping failed");
    } finally {
      clearTimeout(timer);
    }
  }

  const shutdown = {
    get stopping() {
      return running !== undefined;
    },
    onStop(name: string, stop: () => Promise<void> | void) {
      steps.push({ name, stop });
    },
    stop(reason: string): Promise<void> {
      running ??= (async () => {
        o.log.info({ reason }, "stopping");
        for (const step of steps.reverse()) await runStep(step);
        o.log.info("stopped");
      })();
      return running;
    },
    bindSignals() {
      let asked = 0;
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        process.on(signal, () => {
          // The second signal is somebody who does not want to wait.
          if (++asked > 1) process.exit(1);
          void shutdown.stop(signal).then(() => process.exit(0));
        });
      }
      const crash = (kind: string) => (error: unknown) => {
        o.log.fatal({ err: error, kind }, "a bug: nothing caught this error");
        void shutdown.stop(kind).then(() => process.exit(1));
      };
      process.on("uncaughtException", crash("uncaughtException"));
      process.on("unhandledRejection", crash("unhandledRejection"));
    },
  };
  return shutdown;
}
