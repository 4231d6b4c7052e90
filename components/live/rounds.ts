/** The first change is asked for at once; those that follow are taken together, one round in this time at most. */
const ROUND_MS = 300;
/** A server that does not answer holds up the rounds after it for this long at most. */
const PATIENCE_MS = 15_000;

/**
 * Paces questions after changes. A round asks for all topics that changed since the last one, and the next begins when
 * its answers are there: asking anew would cancel what is being asked, and in a large fleet, where something changes all
 * the time, no answer would ever arrive. `ask` gives the topics that must be asked once more, because the question was
 * on its way already when the change came.
 */
export function createRounds(ask: (topics: readonly string[]) => Promise<readonly string[]>): { add(topic: string): void; end(): void } {
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let ended = false;
  let beganMs = -ROUND_MS;
  const soon = (): void => {
    if (asking || ended || waiting.size === 0) return;
    timer ??= setTimeout(() => void round(), Math.max(0, beganMs + ROUND_MS - performance.now()));
  };
  const round = async (): Promise<void> => {
    timer = undefined;
    const topics = [...waiting];
    waiting.clear();
    asking = true;
    beganMs = performance.now();
    let late: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<readonly string[]>((resolve) => (late = setTimeout(() => resolve([]), PATIENCE_MS)));
    const again = await Promise.race([ask(topics).catch(() => []), patience]);
    clearTimeout(late);
    for (const topic of again) waiting.add(topic);
    asking = false;
    soon();
  };
  return {
    add(topic) {
      waiting.add(topic);
      soon();
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
