import type { ProjectRef } from "../../core/access/actor";
import type { PrismaClient } from "../generated/client";
import { oneOrNone } from "../queryable";
import type { Queryable } from "../queryable";

/** A project by the name people use. */
export async function byName(db: Queryable, name: string): Promise<(ProjectRef & { title: string }) | undefined> {
  return oneOrNone(db, "select id, name, title from projects where name = $1", [name]);
}

/** The name people use for a project. */
export async function nameOf(db: Queryable, id: string): Promise<string> {
  return (await oneOrNone<{ name: string }>(db, "select name from projects where id = $1", [id]))?.name ?? id;
}

/** Every project, by name. */
export async function all(prisma: PrismaClient): Promise<{ id: string; name: string; title: string }[]> {
  return prisma.project.findMany({ orderBy: { name: "asc" }, select: { id: true, name: true, title: true } });
}
