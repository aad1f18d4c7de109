import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  encodeFrame,
  FRAME_PAYLOAD_MAX,
  type Frame,
  FrameReader,
  FrameType,
  PADDED,
  settingsPayload,
  uint32,
} from './frames.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const CONNECT_MAX_MS = 5_000;

const SETTING_HEADER_TABLE_SIZE = 1;
const SETTING_ENABLE_PUSH = 2;
const SETTING_INITIAL_WINDOW_SIZE = 4;

/** What a stream and a connection may receive before we allow more, in bytes. */
const STREAM_WINDOW_BYTES = 16 * 1024 ** 2;
const CONNECTION_WINDOW_BYTES = 1024 ** 3;
const DEFAULT_WINDOW_BYTES = 65_535;

/** The time every call has, as its `grpc-timeout` says it: 10 s, as callers of the service are told to set one. */
const CALL_TIMEOUT = '10S';

/** What came back of one call: the bytes of the message, or null where there was none (a refusal or an error). */
export type OnAnswer = (message: Buffer | null) => void;

interface OpenCall {
  readonly onAnswer: OnAnswer;
  readonly parts: Buffer[];
}

/**
 * One cleartext HTTP/2 connection that makes unary gRPC calls of one method and does nothing else, so that it costs
 * the machine a small part of what a full client costs. Headers are literals and no header table is kept, so the
 * headers of answers need not be decoded: a call was successful if a message came.
 */
export class CallConnection {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, OpenCall>();
  readonly #waiting: { streamId: number; body: Buffer; sent: number }[] = [];
  #out: Buffer[] = [];
  #nextStreamId = 1;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #received = 0;
  #failure: Error | null = null;

  private constructor(socket: Socket, headers: Buffer) {
    this.#socket = socket;
    this.#headers = headers;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#reader.read(chunk, (frame) => this.#onFrame(frame));
      this.flush();
    });
    socket.once('error', (error) => this.#fail(error));
    socket.once('close', () => this.#fail(new Error('the server closed the connection')));
    this.#out.push(
      PREFACE,
      encodeFrame(
        FrameType.SETTINGS,
        0,
        0,
        settingsPayload([
          [SETTING_HEADER_TABLE_SIZE, 0],
          [SETTING_ENABLE_PUSH, 0],
          [SETTING_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
        ]),
      ),
      encodeFrame(FrameType.WINDOW_UPDATE, 0, 0, uint32(CONNECTION_WINDOW_BYTES)),
    );
  }

  /** @throws Error where the server cannot be reached in 5 s */
  static async open(port: number, path: string): Promise<CallConnection> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MAX_MS) });
    return new CallConnection(socket, headerBlock(port, path));
  }

  /** Why the connection ended, or null while it serves. */
  get failure(): Error | null {
    return this.#failure;
  }

  /**
   * Begins a call; `body` is the framed gRPC message, at most 65,535 bytes. It leaves with the next {@link flush}.
   * @throws Error where the connection has ended
   */
  call(body: Buffer, onAnswer: OnAnswer): void {
    if (this.#failure !== null) throw this.#failure;
    if (body.length > DEFAULT_WINDOW_BYTES) throw new RangeError(`a body may have ${DEFAULT_WINDOW_BYTES} bytes`);
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#calls.set(streamId, { onAnswer, parts: [] });
    this.#out.push(encodeFrame(FrameType.HEADERS, END_HEADERS, streamId, this.#headers));
    this.#waiting.push({ streamId, body, sent: 0 });
    this.#sendBodies();
  }

  /** Writes everything begun since the last flush at once. */
  flush(): void {
    if (this.#out.length === 0 || this.#socket.destroyed) return;
    this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  /** Bodies leave in order, as far as the server's window for the connection reaches. */
  #sendBodies(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#sendWindow > 0; next = this.#waiting[0]) {
      const size = Math.min(next.body.length - next.sent, this.#sendWindow, FRAME_PAYLOAD_MAX);
      const part = next.body.subarray(next.sent, next.sent + size);
      next.sent += size;
      this.#sendWindow -= size;
      const isLast = next.sent === next.body.length;
      this.#out.push(encodeFrame(FrameType.DATA, isLast ? END_STREAM : 0, next.streamId, part));
      if (isLast) this.#waiting.shift();
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.DATA:
        this.#onData(frame);
        return;
      case FrameType.HEADERS:
        if ((frame.flags & END_STREAM) !== 0) this.#finish(frame.streamId);
        return;
      case FrameType.RST_STREAM: {
        const call = this.#calls.get(frame.streamId);
        this.#calls.delete(frame.streamId);
        call?.onAnswer(null);
        return;
      }
      case FrameType.SETTINGS:
        if ((frame.flags & ACK) === 0) this.#out.push(encodeFrame(FrameType.SETTINGS, ACK, 0, Buffer.alloc(0)));
        return;
      case FrameType.PING:
        if ((frame.flags & ACK) === 0) this.#out.push(encodeFrame(FrameType.PING, ACK, 0, frame.payload));
        return;
      case FrameType.WINDOW_UPDATE:
        if (frame.streamId === 0) this.#sendWindow += frame.payload.readUInt32BE(0);
        this.#sendBodies();
        return;
      case FrameType.GOAWAY:
        this.#fail(new Error('the server asked to leave'));
        return;
    }
  }

  #onData({ flags, streamId, payload }: Frame): void {
    if ((flags & PADDED) !== 0) {
      this.#fail(new Error('padded answers are not expected'));
      return;
    }
    this.#received += payload.length;
    if (this.#received > CONNECTION_WINDOW_BYTES / 2) {
      this.#out.push(encodeFrame(FrameType.WINDOW_UPDATE, 0, 0, uint32(this.#received)));
      this.#received = 0;
    }
    this.#calls.get(streamId)?.parts.push(payload);
    if ((flags & END_STREAM) !== 0) this.#finish(streamId);
  }

  #finish(streamId: number): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    this.#calls.delete(streamId);
    const [only, ...more] = call.parts;
    call.onAnswer(only === undefined ? null : more.length === 0 ? only : Buffer.concat(call.parts));
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    const open = [...this.#calls.values()];
    this.#calls.clear();
    this.#socket.destroy();
    for (const call of open) call.onAnswer(null);
  }
}

/** Indexes of the static header table of RFC 7541, appendix A. */
const STATIC = { authority: 1, methodPost: 3, path: 4, schemeHttp: 6, contentType: 31 } as const;
const INDEXED = 0x80;

/** The request headers in HPACK, as literals that neither side remembers. */
function headerBlock(port: number, path: string): Buffer {
  return Buffer.concat([
    Buffer.from([INDEXED | STATIC.methodPost, INDEXED | STATIC.schemeHttp]),
    namedLiteral(STATIC.path, path),
    namedLiteral(STATIC.authority, `127.0.0.1:${port}`),
    namedLiteral(STATIC.contentType, 'application/grpc'),
    newLiteral('te', 'trailers'),
    newLiteral('grpc-timeout', CALL_TIMEOUT),
  ]);
}

/** A literal without indexing whose name is in the static table. */
function namedLiteral(index: number, value: string): Buffer {
  // The index has four bits; larger ones go on in the next byte.
  const name = index < 15 ? [index] : [15, index - 15];
  return Buffer.concat([Buffer.from(name), stringLiteral(value)]);
}

function newLiteral(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), stringLiteral(name), stringLiteral(value)]);
}

function stringLiteral(text: string): Buffer {
  if (text.length > 126) throw new RangeError('a header value may have 126 characters');
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}
