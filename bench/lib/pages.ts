/** Fleet and Topology in Chromium: JavaScript sent, time to interactive, time to the first live update. */
import { chromium } from "@playwright/test";
import type { Browser, Page } from "@playwright/test";
import pg from "pg";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/lib/browser.mjs";
import { until } from "../../server/testing/until";
import { median, round } from "./numbers";

export interface PageMeasured {
  page: string;
  /** Compressed kB (1,000 bytes) of JavaScript over the wire, with an empty cache: bodies alone, and with their headers. */
  javaScriptKb: number;
  withHeadersKb: number;
  interactiveMs: number;
  firstLiveUpdateMs: number;
  runs: { interactiveMs: number; firstLiveUpdateMs: number }[];
}

interface Watched {
  interactiveMs: number;
  firstLiveUpdateMs: number;
}

/**
 * Runs in the page before anything else; a text, because a bundler's helpers do not exist there. `read` gives a text that
 * shows what is watched, or null while it is not there.
 * Interactive: it is there, and since then the main thread was free of long tasks for 300 ms (the moment before that).
 * First live update: the text is another one than at first.
 */
const watcher = (read: string): string => `(() => {
  const read = ${read};
  const state = (window.holdfastBench = { interactiveMs: null, firstLiveUpdateMs: null });
  let first = null, shownMs = 0, lastTaskEndMs = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) lastTaskEndMs = Math.max(lastTaskEndMs, task.startTime + task.duration);
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    const now = performance.now();
    const text = read();
    if (text !== null && first === null) {
      first = text;
      shownMs = now;
    } else if (text !== null && state.firstLiveUpdateMs === null && text !== first) state.firstLiveUpdateMs = now;
    const quietSinceMs = Math.max(shownMs, lastTaskEndMs);
    if (first !== null && state.interactiveMs === null && now - quietSinceMs > 300) state.interactiveMs = quietSinceMs;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

/** What is watched on each page, given a node and its site: the state words of the rows from it on, and the site's counts. Written to be run in the page. */
const watched = {
  Fleet: { path: "fleet", read: `() => { const link = [...document.querySelectorAll("a")].find((a) => a.textContent.trim() === NODE); const row = link && link.closest('[role="row"], tr, li'); if (!row) return null; return [...row.parentElement.children].map((one) => (/healthy|silent|degraded|failing|pending/i.exec(one.innerText) || [""])[0].toLowerCase()).join(); }` },
  Topology: { path: "topology", read: `() => { const b = document.querySelector('[data-site="' + SITE + '"] button'); return b ? b.getAttribute("aria-label") : null; }` },
} as const;

/**
 * Lets one node after another fall silent, and then come back, with the pointers and nudges that a gateway would leave.
 * Not one alone: back before it is asked for, it would be seen or missed by the luck of the rhythm.
 */
function flap(ownerUrl: string, nodeIds: readonly string[], everyMs: number): () => Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  let going = true;
  const loop = (async () => {
    await client.connect();
    for (let i = 0; going; i++) {
      const nodeId = nodeIds[i % nodeIds.length];
      const away = Math.floor(i / nodeIds.length) % 2 === 0;
      await client.query("begin");
      await client.query("update nodes set connected = $2, last_seen_at = case when $2 then now() else now() - interval '30 days' end where id = $1", [nodeId, !away]);
      await client.query("insert into changes (topic, key, project_id) values ('node', $1, 'project-default')", [nodeId]);
      await client.query("notify holdfast_changes");
      await client.query("commit");
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await client.end();
  })();
  return async () => {
    going = false;
    await loop;
  };
}

/** Asks the page until both moments are known. Asked from outside: the console's content security policy allows no evaluation inside. */
async function watchedIn(page: Page): Promise<Watched> {
  let seen: Partial<Watched> | null = null;
  await until(`${page.url()} showed what is watched, and changed it`, async () => {
    seen = await page.evaluate<Partial<Watched> | null>("window.holdfastBench ?? null");
    return typeof seen?.interactiveMs === "number" && typeof seen.firstLiveUpdateMs === "number";
  }, 60_000);
  return seen as unknown as Watched;
}

async function measureOnce(browser: Browser, o: { url: string; path: string; read: string; cookie: { name: string; value: string } }): Promise<{ bytes: number; withHeaders: number; interactiveMs: number; firstLiveUpdateMs: number }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", timezoneId: "UTC" });
  try {
    await context.addCookies([{ ...o.cookie, url: o.url }]);
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    await network.send("Network.enable");
    const scripts = new Set<string>();
    let bytes = 0;
    let withHeaders = 0;
    network.on("Network.responseReceived", (e) => {
      if (e.type === "Script" || /javascript/.test(e.response.mimeType)) scripts.add(e.requestId);
    });
    network.on("Network.dataReceived", (e) => {
      if (scripts.has(e.requestId)) bytes += e.encodedDataLength;
    });
    network.on("Network.loadingFinished", (e) => {
      if (scripts.has(e.requestId)) withHeaders += e.encodedDataLength;
    });
    await page.addInitScript(watcher(o.read));
    await page.goto(`${o.url}/p/default/${o.path}`, { waitUntil: "commit" });
    const { interactiveMs, firstLiveUpdateMs } = await watchedIn(page);
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined); // The event stream never ends.
    return { bytes, withHeaders, interactiveMs, firstLiveUpdateMs };
  } finally {
    await context.close();
  }
}

/** Medians of `runs` cold loads of each page. */
export async function measurePages(o: { url: string; ownerUrl: string; sessionToken: string; nodes: readonly { id: string; name: string; site: string }[]; runs: number; say: (line: string) => void }): Promise<PageMeasured[]> {
  const found = findChromium();
  const browser = await chromium.launch({ args: CHROMIUM_FLAGS, ...(found ? { executablePath: found.path } : {}) });
  const [node] = o.nodes;
  if (!node) throw new Error("there are no nodes to watch");
  const stopFlapping = flap(o.ownerUrl, o.nodes.map((n) => n.id), 250);
  const measured: PageMeasured[] = [];
  try {
    for (const [page, { path, read }] of Object.entries(watched)) {
      const runs: Awaited<ReturnType<typeof measureOnce>>[] = [];
      for (let i = 0; i < o.runs; i++) {
        const source = read.replace("NODE", JSON.stringify(node.name)).replace("SITE", JSON.stringify(node.site));
        runs.push(await measureOnce(browser, { url: o.url, path, read: source, cookie: { name: "holdfast.session", value: o.sessionToken } }));
      }
      const result = {
        page,
        javaScriptKb: round(median(runs.map((r) => r.bytes)) / 1_000),
        withHeadersKb: round(median(runs.map((r) => r.withHeaders)) / 1_000),
        interactiveMs: round(median(runs.map((r) => r.interactiveMs)), 0),
        firstLiveUpdateMs: round(median(runs.map((r) => r.firstLiveUpdateMs)), 0),
        runs: runs.map((r) => ({ interactiveMs: round(r.interactiveMs, 0), firstLiveUpdateMs: round(r.firstLiveUpdateMs, 0) })),
      };
      measured.push(result);
      o.say(`  ${page.padEnd(10)} JavaScript ${result.javaScriptKb} kB (${result.withHeadersKb} with headers)   interactive ${result.interactiveMs} ms   first live update ${result.firstLiveUpdateMs} ms`);
    }
  } finally {
    await stopFlapping();
    await browser.close();
  }
  return measured;
}
