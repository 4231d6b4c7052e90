import { z } from "zod";
import { roles } from "./roles";

/** A role as a schema. It stands apart from the lists, because the screens that need those must not load a parser. */
export const role = z.enum(roles);
export { mayDo, permissions, roles, whoMay, type Permission, type Role } from "./roles";
