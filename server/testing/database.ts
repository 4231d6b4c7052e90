/**
 * A database for one test file: a copy of the migrated template (about 50 ms), dropped when the file is done.
 * ```ts
 * const db = testDatabase();
 * it("…", async () => { await db.store.inTransaction(…); });
 * ```
 */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { silentLogger } from "../platform";
import { openStore } from "../store";
import type { Store } from "../store";
import { asAdmin, dropDatabase, onDatabase, withLogin } from "./pg-admin";
import "./global-setup";

export interface TestDatabase {
  /** The store, logged in as the application's role. */
  readonly store: Store;
  /** `holdfast_app`: what processes connect as. */
  readonly appUrl: string;
  /** `holdfast_owner`: what migrations run as. */
  readonly ownerUrl: string;
  /** A superuser on this database. */
  readonly adminUrl: string;
  /** Runs one statement as the owner, for set-up and for looking behind the application's rights. */
  asOwner<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  /** Ends connections of the application, as a restart of the database would; with a part of their name, only those. */
  cutConnections(applicationName?: string): Promise<number>;
  /** Another store on the same database, as another process would have; closed at the end. */
  openAnother(): Store;
}

/** Declares the database of this test file. Call it at the top level of the file, or of a `describe`. */
export function testDatabase(): TestDatabase {
  const server = inject("postgres");
  const name = `holdfast_test_${randomBytes(6).toString("hex")}`;
  const adminUrl = onDatabase(server.adminUrl, name);
  const ownerUrl = withLogin(adminUrl, "holdfast_owner", server.passwords.owner);
  const appUrl = withLogin(adminUrl, "holdfast_app", server.passwords.app);
  const open: Store[] = [];
  let store: Store | undefined;
  let owner: pg.Client | undefined;
  const openAnother = () => {
    const another = openStore({ url: appUrl, log: silentLogger, max: 8, name: `test ${open.length}` });
    open.push(another);
    return another;
  };

  beforeAll(async () => {
    await asAdmin(server.adminUrl, async (client) => {
      // Two files that copy the template at once would disturb each other: one at a time.
      await client.query("select pg_advisory_lock(4711)");
      await client.query(`create database ${name} template ${server.template} owner holdfast_owner`);
    });
    owner = new pg.Client({ connectionString: ownerUrl });
    owner.on("error", () => undefined);
    await owner.connect();
    store = openAnother();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(open.map((s) => s.close()));
    await owner?.end();
    await dropDatabase(server.adminUrl, name);
  }, 60_000);

  return {
    get store() {
      if (!store) throw new Error("the database is there from beforeAll on");
      return store;
    },
    appUrl,
    ownerUrl,
    adminUrl,
    openAnother,
    asOwner: async <R>(text: string, values?: unknown[]) => (await owner?.query(text, values))?.rows as R[],
    cutConnections: (applicationName = "") =>
      asAdmin(server.adminUrl, async (client) => {
        const ended = await client.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'holdfast_app' and application_name like '%' || $2 || '%'", [name, applicationName]);
        return ended.rowCount ?? 0;
      }),
  };
}
