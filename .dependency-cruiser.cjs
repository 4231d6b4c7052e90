/**
 * The ladder of ARCHITECTURE.md as rules, built from one list, so that the tree and the check cannot disagree.
 * Every rule is an error, there is no list of known violations, and `tools/rules.int.test.ts` plants one violation per
 * rule: a rule that matches nothing would be found out.
 */

const features = "fleet|workloads|placement|rollouts|telemetry|access|identity|artifacts|costs|hooks";

/** From the bottom up: a folder imports itself and what stands below it. */
const ladder = [
  ["core", "^server/core/"],
  ["protocol", "^server/protocol/"],
  ["platform", "^server/platform/"],
  ["store", "^server/store/"],
  ["audit", "^server/audit/"],
  ["features", `^server/(${features})/`],
  ["doors", "^server/(scheduler|gateway|trpc)/"],
  ["bin", "^server/bin/"],
];
/** Programs and screens: they stand beside the ladder or above it, and nothing on it may know them. */
const outside = "^(app|components|agent|cli|pilot|bench|tools|e2e)/";
/** The command line is wired in `server/bin`, so that it is built and versioned with the server. */
const outsideButCli = "^(app|components|agent|pilot|bench|tools|e2e)/";

/** Tests, what helps them, and what measures: free to reach everywhere. */
const tests = String.raw`\.(test|spec)\.tsx?$|^(e2e|bench)/|/(testing|tests)(/|\.ts$)`;
/** Pure libraries: no clock, no randomness, no input or output. `yaml` parses, `@marcbachmann/cel-js` evaluates. */
const pureLibraries = String.raw`^node_modules/(@types/)?(zod|yaml|@marcbachmann/cel-js)/`;
const databaseLibraries = String.raw`^node_modules/(@types/)?(@prisma/|\.prisma/|prisma/|pg|pg-[^/]+)(/|$)`;

const error = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const noUpward = ladder.map(([name, path], rung) =>
  error(
    `no-upward-from-${name}`,
    "A folder imports itself and what stands below it on the ladder.",
    { path, pathNot: tests },
    { path: [...ladder.slice(rung + 1).map(([, above]) => above), name === "bin" ? outsideButCli : outside] },
  ),
);

module.exports = {
  forbidden: [
    ...noUpward,
    error(
      "no-cycles",
      "Two modules that need each other are one module, or miss a third. Imports of types alone are gone at run time and don't count.",
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    ),
    error(
      "core-is-pure",
      "Core has no input, no output, no clock and no libraries but pure ones: everything it needs is an argument.",
      { path: "^server/core/", pathNot: tests },
      { pathNot: ["^server/core/", pureLibraries] },
    ),
    error(
      "features-only-through-index",
      "A feature has one door: its index.ts.",
      { path: `^server/(${features}|scheduler|gateway|trpc|bin)/`, pathNot: tests },
      { path: `^server/(${features})/`, pathNot: [`^server/(${features})/index\\.ts$`, "^server/$1/"] },
    ),
    error(
      "doors-do-not-import-each-other",
      "People (trpc), time (scheduler) and agents (gateway) meet in the store, never in code.",
      { path: "^server/(scheduler|gateway|trpc)/", pathNot: tests },
      { path: "^server/(scheduler|gateway|trpc)/", pathNot: "^server/$1/" },
    ),
    error(
      "only-store-touches-prisma",
      "SQL, Prisma and the generated client are known in server/store alone; not even their types leave it.",
      { pathNot: [tests, "^server/store/", "^tools/", "^node_modules/", String.raw`^prisma\.config\.ts$`] },
      { path: [databaseLibraries, "^server/store/generated/"] },
    ),
    error(
      "only-the-peoples-door-knows-trpc",
      "Refusals are values until they reach the door for people: features and core know no transport.",
      { path: "^(server/(?!trpc/|bin/)|agent/)", pathNot: tests },
      { path: "^node_modules/@trpc/" },
    ),
    error(
      "screens-see-types-and-core-only",
      "A screen takes values from core alone; what else it needs of the server comes over the wire. app/api and app/_server are the server's own.",
      { path: "^(app|components)/", pathNot: [tests, "^app/(api|_server)/"] },
      { path: ["^server/", "^(agent|cli|pilot|bench|tools)/"], pathNot: "^server/core/", dependencyTypesNot: ["type-only"] },
    ),
    error(
      "screens-take-types-from-trpc",
      "Even types reach a screen only through the door for people, or from core.",
      { path: "^(app|components)/", pathNot: [tests, "^app/(api|_server)/"] },
      { path: "^server/", pathNot: "^server/(core|trpc)/" },
    ),
    error(
      "screens-reach-the-server-in-one-place",
      "Only app/_server and app/api may use what is the server's; pages use them, components don't.",
      { path: "^components/", pathNot: tests },
      { path: "^app/(api|_server)/" },
    ),
    error(
      "agent-sees-protocol-only",
      "The agent is a program of its own: it shares the words on the wire and pure functions with the server, nothing else.",
      { path: "^agent/", pathNot: tests },
      { path: "^(server|app|components|cli|pilot|bench|tools|e2e)/", pathNot: "^server/(protocol|core)/" },
    ),
    error(
      "clients-see-types-and-core-only",
      "The command line and the pilot use the public door: types from trpc, values from core (and, for the pilot's workload, the agent's local protocol).",
      { path: "^(cli|pilot)/", pathNot: tests },
      { path: ["^server/", "^(app|components|agent|bench|tools|e2e)/"], pathNot: "^server/(core|protocol)/", dependencyTypesNot: ["type-only"] },
    ),
    error(
      "clients-take-types-from-trpc",
      "The command line and the pilot know the server by its door for people alone.",
      { path: "^(cli|pilot)/", pathNot: tests },
      { path: "^server/", pathNot: "^server/(core|protocol|trpc)/" },
    ),
    error(
      "tests-stay-out-of-production",
      "What runs in production never imports a test, a test's helper, a benchmark or the tools.",
      { path: "^(server|agent|cli|pilot|app|components)/", pathNot: tests },
      { path: [tests, "^tools/"] },
    ),
    error(
      "no-development-libraries-in-production",
      "What runs in production is listed under dependencies.",
      { path: "^(server|agent|cli|pilot|app|components)/", pathNot: tests },
      { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"], pathNot: "^node_modules/@types/" },
    ),
    error("no-unresolvable", "An import leads somewhere.", {}, { couldNotResolve: true, pathNot: String.raw`^(bun:|node:)|\.css$` }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: String.raw`^(dist|\.next|\.data|coverage|server/store/generated/.+/)` },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default", "types"], extensions: [".ts", ".tsx", ".mjs", ".cjs", ".js", ".json", ".css", ".d.ts"] },
  },
};
