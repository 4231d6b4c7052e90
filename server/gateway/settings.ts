/** How a gateway behaves. Times in ms, sizes in bytes; `defaults` are what the process runs with unless set. */
export interface GatewaySettings {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** host:port by which agents reach this gateway; its host stands in the certificate. */
  publicAddress: string;
  heartbeatMs: number;
  /** A node that has said nothing for this long is silent, and its socket is dropped. */
  silentAfterMs: number;
  /** How often the whole desired state is sent although nothing nudged. */
  resyncMs: number;
  /** Connections beyond it are not accepted; at 55 to 70 kB each, 20,000 take about 1.3 GB. */
  maxConnections: number;
  /** Time for the TLS handshake, for a request's head, and for the first message of a session. */
  handshakeTimeoutMs: number;
  headersTimeoutMs: number;
  helloTimeoutMs: number;
  /** A reader that leaves this much unread is dropped: the gateway must not keep it in memory. */
  maxBufferedBytes: number;
  /** Messages of one node: so many a second for long, and so many at once (a journal that is replayed comes in a burst). */
  messagesPerSecond: number;
  messageBurst: number;
  /** Enrolments and renewals from one address: a minute, and at once. */
  certificatesPerMinute: number;
  certificateBurst: number;
  /** Malformed messages that one session may send before it is closed. */
  malformedAllowed: number;
  /** Period of the clockwork: signs of life are written, pings and resyncs sent, dead sockets dropped. */
  tickMs: number;
}

export const defaults: Omit<GatewaySettings, "publicAddress"> = {
  host: "0.0.0.0",
  port: 7443,
  heartbeatMs: 15_000,
  silentAfterMs: 45_000,
  resyncMs: 180_000,
  maxConnections: 20_000,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  helloTimeoutMs: 10_000,
  maxBufferedBytes: 8_388_608,
  messagesPerSecond: 50,
  messageBurst: 1_000,
  certificatesPerMinute: 120,
  certificateBurst: 60,
  malformedAllowed: 20,
  tickMs: 1_000,
};
