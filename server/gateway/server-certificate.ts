import { hostname } from "node:os";
import { issueServerCertificate } from "../identity";
import type { Identity } from "../identity";
import type { Clock } from "../platform";

/** A gateway's certificate lives this long and is replaced at half of it, while running. */
const LIFE_MS = 24 * 3_600_000;

export type TlsContext = { key: string; cert: string; ca: string };

/** The gateway's own certificate: a new key each time, signed by the authority that every agent knows. */
export class ServerCertificate {
  private renewAtMs = 0;
  private authorityId = "";

  constructor(
    private readonly identity: Identity,
    private readonly clock: Clock,
    private readonly publicAddress: string,
  ) {}

  /** A certificate to serve; with its authority behind it, so that a joining agent can compare the fingerprint. */
  async issue(): Promise<TlsContext> {
    const authority = await this.identity.authorities.serverIssuer();
    const nowMs = this.clock.nowMs();
    const host = this.publicAddress.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    const issued = await issueServerCertificate(authority, { names: [...new Set([host, "127.0.0.1", "::1", "localhost", hostname()])], nowMs, lifeMs: LIFE_MS });
    this.renewAtMs = nowMs + LIFE_MS / 2;
    this.authorityId = authority.id;
    const believed = await this.identity.authorities.believed();
    return { key: issued.privateKey, cert: `${issued.certificate.trimEnd()}\n${authority.certificate.trimEnd()}\n`, ca: believed.map((a) => a.certificate.trimEnd()).join("\n") };
  }

  /** True when it is time for a new one: at half-life, when the clock was set back, or when its authority was retired. */
  async due(): Promise<boolean> {
    const nowMs = this.clock.nowMs();
    if (nowMs >= this.renewAtMs || nowMs < this.renewAtMs - LIFE_MS) return true;
    return (await this.identity.authorities.believed())[0]?.id !== this.authorityId;
  }
}
