/** The tests by which mutants of the placement core are judged: those of the core itself, which touch nothing. */
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["server/core/placement/**/*.test.ts"], exclude: ["**/*.sim.test.ts"], environment: "node" } });
