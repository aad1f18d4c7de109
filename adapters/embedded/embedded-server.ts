/** A server this process started and owns. */
export interface EmbeddedServer {
  /** Connection URL on 127.0.0.1, credentials included: never log it. */
  readonly url: string;
  readonly pid: number;
  /** Settles when the server process has ended for whatever reason; never rejects. */
  readonly exited: Promise<void>;
  /** Shuts the server down cleanly, by force after a deadline. May be called again and after the server has died. */
  stop(): Promise<void>;
  /** Ends the server and its children with SIGKILL at once, as a crash would. For fault tests. */
  kill(): void;
}
