import { request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { type DescMethodUnary, fromJson } from '@bufbuild/protobuf';
import { type Code, ConnectError } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import {
  BAD_UTF8,
  failed,
  failedConnect,
  succeeded,
  TRUNCATED,
  type WireAnswer,
  type WireClient,
} from './wire-client.ts';

/** The official Connect client with binary messages. */
export function createConnectClient(port: number, httpVersion: '1.1' | '2'): WireClient {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport =
    httpVersion === '2'
      ? createConnectTransport({ baseUrl, httpVersion, sessionManager })
      : createConnectTransport({ baseUrl, httpVersion });
  return {
    name: `Connect over HTTP/${httpVersion}`,
    async call(method, request, options = {}) {
      try {
        const input = fromJson(method.input, request);
        const { signal, timeoutMs = 15_000, headers } = options;
        const { message } = await transport.unary(method, signal, timeoutMs, headers, input as never);
        return succeeded(method, message);
      } catch (error) {
        return answerOf(ConnectError.from(error));
      }
    },
    callBroken: (method, how) => {
      const bytes = how === 'truncated' ? TRUNCATED : BAD_UTF8;
      return httpVersion === '2' ? postHttp2(baseUrl, method, bytes) : postHttp1(baseUrl, method, bytes);
    },
    close: () => sessionManager.abort(),
  };
}

function answerOf(error: ConnectError): WireAnswer {
  const details = error.details.flatMap((detail) =>
    'type' in detail ? [{ type: detail.type, value: detail.value }] : [],
  );
  return failed(error.code as Code, error.rawMessage, details);
}

function pathOf(method: DescMethodUnary): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function postHttp1(baseUrl: string, method: DescMethodUnary, bytes: Uint8Array): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/proto', 'content-length': bytes.byteLength };
    const request = httpRequest(`${baseUrl}${pathOf(method)}`, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(failedConnect(Buffer.concat(chunks).toString())));
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

function postHttp2(baseUrl: string, method: DescMethodUnary, bytes: Uint8Array): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const session = http2Connect(baseUrl);
    session.on('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(method),
      'content-type': 'application/proto',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve(failedConnect(Buffer.concat(chunks).toString()));
    });
    stream.end(bytes);
  });
}
