/** One event of a stream, as the server sent it. */
export type StreamEvent = { id: string | null; event: string; data: string };

/**
 * Reads the event-stream format (WHATWG HTML, section 9.2) piece by piece. Comments are reported too: they are the
 * server's heartbeat, which the browser's own EventSource hides. Pieces may end anywhere.
 */
export function createStreamReader(on: { event: (event: StreamEvent) => void; comment: () => void }): (piece: string) => void {
  let rest = "";
  let id: string | null = null;
  let event = "message";
  let data: string[] = [];
  const line = (text: string) => {
    if (text === "") {
      if (data.length > 0) on.event({ id, event, data: data.join("\n") });
      event = "message";
      data = [];
      return;
    }
    if (text.startsWith(":")) return on.comment();
    const colon = text.indexOf(":");
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "event") event = value;
  };
  return (piece) => {
    rest += piece;
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(rest);
      if (!end) return;
      line(rest.slice(0, end.index));
      rest = rest.slice(end.index + end[0].length);
    }
  };
}
