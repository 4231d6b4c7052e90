/** What a browser does in a sign-in, without one: cookies by host, redirects followed, forms posted. */
export class TestBrowser {
  /** `host name` → value; paths and expiry are not needed here, but that a cookie was taken away is. */
  private readonly jar = new Map<string, string>();
  /** Every Set-Cookie line that was received. */
  readonly received: string[] = [];

  cookie(host: string, name: string): string | undefined {
    return this.jar.get(`${host} ${name}`);
  }
  setCookie(host: string, name: string, value: string): void {
    this.jar.set(`${host} ${name}`, value);
  }

  /** One request, without following redirects. */
  async request(url: string, o: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<{ status: number; location: string | null; text: string; headers: Headers; url: string }> {
    const { hostname, origin } = new URL(url);
    const cookies = [...this.jar].filter(([key]) => key.startsWith(`${hostname} `)).map(([key, value]) => `${key.slice(hostname.length + 1)}=${value}`);
    const response = await fetch(url, { method: o.method ?? "GET", redirect: "manual", headers: { ...(cookies.length > 0 ? { cookie: cookies.join("; ") } : {}), ...(o.method === "POST" ? { origin } : {}), ...o.headers }, ...(o.body === undefined ? {} : { body: o.body }) });
    for (const line of response.headers.getSetCookie()) {
      this.received.push(line);
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      const key = `${hostname} ${pair.slice(0, at)}`;
      const gone = /max-age=0|expires=thu, 01 jan 1970/i.test(line) || pair.slice(at + 1) === "";
      if (gone) this.jar.delete(key);
      else this.jar.set(key, pair.slice(at + 1));
    }
    const location = response.headers.get("location");
    return { status: response.status, location: location === null ? null : new URL(location, url).href, text: await response.text(), headers: response.headers, url };
  }

  /** A request whose redirects are followed, up to a bound; gives the last answer and where it came from. */
  async visit(url: string, o: { method?: string; headers?: Record<string, string>; body?: string } = {}): ReturnType<TestBrowser["request"]> {
    let answer = await this.request(url, o);
    for (let hops = 0; answer.location !== null && answer.status >= 300 && answer.status < 400 && hops < 15; hops++) answer = await this.request(answer.location);
    return answer;
  }

  /** Posts a form. */
  submit(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): ReturnType<TestBrowser["request"]> {
    return this.visit(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body: new URLSearchParams(fields).toString() });
  }
}
