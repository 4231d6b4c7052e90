// Plain JavaScript on purpose: the production server reads this file too, and would need a compiler for anything else.

/** @type {import("next").NextConfig} */
const config = {
  // Without this Next looks for the root upwards and may take a lockfile outside the checkout for it.
  turbopack: { root: import.meta.dirname },
  // Drivers that find files of their own at run time; bundling breaks that.
  serverExternalPackages: ["pg", "pino", "prom-client", "@prisma/adapter-pg", "@prisma/client", "ws"],
  poweredByHeader: false,
  reactStrictMode: true,
  // `npm test` checks types of the whole tree, at error. Checking them again here would make everybody's first start wait.
  typescript: { ignoreBuildErrors: true },
};

export default config;
