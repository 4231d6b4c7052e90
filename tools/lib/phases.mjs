/**
 * Shows what is being done and how long it took: a line that is rewritten on a terminal, two plain lines elsewhere.
 */

/** @param {number} ms */
export const seconds = (ms) => (ms < 950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/**
 * @typedef {object} Phases
 * @property {<T>(label: string, work: (note: (text: string) => void) => T | Promise<T>) => Promise<T>} run
 *   Does one phase; `note` adds a few words about what is going on, shown in the closing line too.
 * @property {(text: string) => void} say    One line between phases.
 * @property {() => { label: string, ms: number }[]} done  The phases so far, with how long each took.
 */

/**
 * @param {NodeJS.WriteStream} [out]
 * @returns {Phases}
 */
export function phases(out = process.stdout) {
  const tty = Boolean(out.isTTY);
  /** @type {{ label: string, ms: number }[]} */
  const finished = [];
  const width = () => Math.max(20, (out.columns ?? 100) - 1);
  return {
    async run(label, work) {
      const startedAt = Date.now();
      let remark = "";
      const line = (/** @type {string} */ mark) => `${mark} ${label}  ${seconds(Date.now() - startedAt)}${remark ? `  ${remark}` : ""}`;
      const redraw = () => out.write(`\r\x1b[2K${line("·").slice(0, width())}`);
      if (tty) redraw();
      else out.write(`· ${label} …\n`);
      const timer = tty ? setInterval(redraw, 500) : undefined;
      const close = (/** @type {string} */ mark) => {
        clearInterval(timer);
        out.write(`${tty ? "\r\x1b[2K" : ""}${line(mark)}\n`);
        finished.push({ label, ms: Date.now() - startedAt });
      };
      try {
        const result = await work((text) => {
          remark = text;
          if (tty) redraw();
        });
        close("✓");
        return result;
      } catch (error) {
        close("✗");
        throw error;
      }
    },
    say: (text) => void out.write(`${text}\n`),
    done: () => finished,
  };
}
