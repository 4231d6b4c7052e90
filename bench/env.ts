/** What benchmarks take from the environment. */
export const benchEnv = {
  path: process.env["PATH"] ?? "/usr/bin:/bin",
  home: process.env["HOME"],
};
