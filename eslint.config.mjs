/**
 * What the compiler and the dependency rules can't see. All at error; `tools/rules.int.test.ts` plants one violation per
 * ban of ours.
 */
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const code = ["server/**/*.ts", "agent/**/*.ts", "cli/**/*.ts", "pilot/**/*.ts", "app/**/*.{ts,tsx}", "components/**/*.{ts,tsx}", "bench/**/*.ts", "e2e/**/*.ts", "tools/**/*.ts", "*.config.ts"];
const tests = ["**/*.test.{ts,tsx}", "**/*.spec.ts", "**/testing/**", "**/tests/**", "**/testing.ts", "e2e/**", "bench/**"];
/** The one file of each program that reads its environment; and what drives programs from outside and hands them its own. */
const environmentFiles = ["server/platform/env.ts", "agent/platform/env.ts", "pilot/env.ts", "cli/env.ts", "**/testing/**", "e2e/**", "bench/**", "**/*.int.test.ts", "tools/**", "*.config.ts"];

const ENVIRONMENT = "Configuration is read once, in the program's env.ts, and passed in.";
const CORE_CLOCK = "Core has no clock: take nowMs as an argument.";

/** What core may not do, besides importing (which the dependency rules forbid). */
const impure = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CORE_CLOCK },
  { selector: "CallExpression[callee.name='Date']", message: CORE_CLOCK },
  { selector: "AwaitExpression", message: "Core never waits: what it needs is an argument." },
  { selector: "ForOfStatement[await=true]", message: "Core never waits: what it needs is an argument." },
  { selector: ":function[async=true]", message: "Core never waits: what it needs is an argument." },
];
const impureGlobals = ["process", "fetch", "console", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance", "crypto", "window", "document"].map((name) => ({
  name,
  message: "Core is pure: take what you need as an argument.",
}));
const impureProperties = [
  { object: "Date", property: "now", message: CORE_CLOCK },
  { object: "Math", property: "random", message: "Core has no randomness: take a seed as an argument." },
  { object: "globalThis", property: "process", message: "Core is pure: take what you need as an argument." },
];
const environment = [
  { object: "process", property: "env", message: ENVIRONMENT },
];

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", ".next/", ".data/", "coverage/", "screens-out/", "test-results/", "playwright-report/", "server/store/generated/", "next-env.d.ts"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: code,
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-var": "error",
      "prefer-const": "error",
      "no-debugger": "error",
      "no-control-regex": "error",
      "@typescript-eslint/no-unused-expressions": ["error", { allowTernary: true, allowShortCircuit: true }],
      "no-alert": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none", ignoreRestSiblings: true }],
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": "allow-with-description" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-empty-object-type": "off",
      // With types: a promise nobody waits for is a failure nobody sees; a forgotten case is a state nobody handles.
      "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false, arguments: false } }],
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "no-restricted-properties": ["error", ...environment],
      "no-restricted-imports": ["error", { paths: [{ name: "node:process", message: ENVIRONMENT }, { name: "process", message: ENVIRONMENT }] }],
    },
  },
  { files: environmentFiles, rules: { "no-restricted-properties": "off" } },
  {
    files: ["server/core/**/*.ts"],
    ignores: tests,
    rules: {
      "no-restricted-syntax": ["error", ...impure],
      "no-restricted-globals": ["error", ...impureGlobals],
      "no-restricted-properties": ["error", ...environment, ...impureProperties],
    },
  },
  {
    files: ["app/**/*.tsx", "components/**/*.tsx", "app/**/*.ts", "components/**/*.ts"],
    plugins: { "react-hooks": reactHooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  {
    files: tests,
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[property.name='waitForTimeout']", message: "A test waits for a condition, never for a time." },
        { selector: "CallExpression[callee.object.name=/^(it|test|describe|suite)$/][callee.property.name=/^(only|skip|todo|fixme|fails)$/]", message: "Every test runs: no skipped, focused or unfinished test is committed." },
      ],
    },
  },
);
