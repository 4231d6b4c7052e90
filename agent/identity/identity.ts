import { createPrivateKey, generateKeyPairSync, hkdfSync, sign, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { Receipt } from "../../server/protocol/messages";
import { signedText } from "../../server/protocol/receipt";
import { Fault } from "../platform/fault";
import { privateFolder, readIfThere, writeDurably } from "../platform/files";

const stored = z.object({
  gateway: z.string(),
  node: z.string(),
  nodeId: z.string(),
  site: z.string(),
  project: z.string(),
  certificate: z.string(),
  authority: z.string(),
  /** The gateway's clock minus ours, ms, as last learnt. */
  skewMs: z.number(),
});
/** What enrolment gave this node: names, certificate, authorities to trust, and where the gateway is. */
export type StoredIdentity = z.infer<typeof stored>;

/**
 * The node's identity on disk: `identity/key.pem`, made once and never sent anywhere, and `identity/identity.json`,
 * replaced as a whole at each renewal, so that certificate and authorities always belong together.
 */
export class Identity {
  readonly #folder: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  #stored: StoredIdentity | null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(folder: string, keyPem: string, identity: StoredIdentity | null) {
    this.#folder = folder;
    this.keyPem = keyPem;
    this.key = createPrivateKey(keyPem);
    this.#stored = identity;
  }

  /** Reads the identity below `dataFolder`, and makes the key first if there is none. Fault: identity_unreadable. */
  static async open(dataFolder: string): Promise<Identity> {
    const folder = join(dataFolder, "identity");
    await privateFolder(folder);
    let keyPem = await readIfThere(join(folder, "key.pem"));
    if (keyPem === null) {
      keyPem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      await writeDurably(join(folder, "key.pem"), keyPem);
    }
    const text = await readIfThere(join(folder, "identity.json"));
    try {
      return new Identity(folder, keyPem, text === null ? null : stored.parse(JSON.parse(text)));
    } catch {
      throw new Fault("identity_unreadable", `The identity in ${folder} cannot be read.`, "Restore the folder from a backup, or remove it and enrol again with a new join token.");
    }
  }

  /** What enrolment gave, or null before it. */
  get enrolled(): StoredIdentity | null {
    return this.#stored;
  }

  /** The same, for code that runs only after enrolment. */
  get current(): StoredIdentity {
    if (!this.#stored) throw new Fault("not_enrolled", "This node has not been enrolled.", "Start the agent with --gateway, --token and --ca-fingerprint, as Settings, join tokens shows.");
    return this.#stored;
  }

  /**
   * Keeps what `change` makes of the identity; durable when it returns. Changes come in turn and each sees the one
   * before, so that a session's names never bring an older certificate back.
   */
  save(change: (now: StoredIdentity | null) => StoredIdentity): Promise<void> {
    const write = async (): Promise<void> => {
      const next = change(this.#stored);
      await writeDurably(join(this.#folder, "identity.json"), JSON.stringify(next, null, 2));
      this.#stored = next;
    };
    this.#saving = this.#saving.then(write, write);
    return this.#saving;
  }

  /** From when to when the certificate is valid, by the authority's clock. */
  get validity(): { fromMs: number; toMs: number } {
    const certificate = new X509Certificate(this.current.certificate);
    return { fromMs: Date.parse(certificate.validFrom), toMs: Date.parse(certificate.validTo) };
  }

  /** Signs a receipt with the node's private key: ECDSA P-256 with SHA-256 over its canonical JSON, IEEE P1363 in base64. */
  signReceipt(receipt: Omit<Receipt, "signature">): Receipt {
    return { ...receipt, signature: sign("sha256", Buffer.from(signedText(receipt), "utf8"), { key: this.key, dsaEncoding: "ieee-p1363" }).toString("base64") };
  }

  /** A key of 32 bytes for one purpose, derived from the private key with HKDF-SHA256 (RFC 5869). */
  deriveKey(purpose: string): Buffer {
    const secret = this.key.export({ type: "pkcs8", format: "der" });
    return Buffer.from(hkdfSync("sha256", secret, "holdfast-agent", purpose, 32));
  }
}
