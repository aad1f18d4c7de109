import { spawn } from 'node:child_process';
import { type DescMethodUnary, fromJsonString } from '@bufbuild/protobuf';
import { failed, failedConnect, succeeded, type WireAnswer, type WireClient, type WireOptions } from './wire-client.ts';

const OK_STATUS = '200';

/** The program `curl` with JSON over HTTP/1.1, as a person would use it. */
export function createCurlClient(port: number): WireClient {
  const send = async (method: DescMethodUnary, body: Uint8Array, options: WireOptions = {}): Promise<WireAnswer> => {
    const url = `http://127.0.0.1:${port}/${method.parent.typeName}/${method.name}`;
    const args = ['-sS', '--http1.1', '-m', '20', '-w', '\n%{http_code}', '-H', 'content-type: application/json'];
    for (const [key, value] of Object.entries(options.headers ?? {})) args.push('-H', `${key}: ${value}`);
    if (options.timeoutMs !== undefined) args.push('-H', `connect-timeout-ms: ${options.timeoutMs}`);
    args.push('--data-binary', '@-', url);
    const output = await run(args, body, options.signal);
    if (output === null) return failed(1, 'curl was ended', []);
    const end = output.lastIndexOf('\n');
    const text = output.slice(0, end);
    return output.slice(end + 1) === OK_STATUS
      ? succeeded(method, fromJsonString(method.output, text))
      : failedConnect(text);
  };
  return {
    name: 'curl',
    call: (method, request, options) => send(method, Buffer.from(JSON.stringify(request)), options),
    callBroken: (method, how) =>
      send(
        method,
        how === 'truncated'
          ? Buffer.from('{"requestId": "r')
          : Buffer.concat([Buffer.from('{"requestId":"'), Buffer.of(0xff), Buffer.from('"}')]),
      ),
    close: () => {},
  };
}

/** What curl printed, or null where it was ended by the signal. */
function run(args: readonly string[], input: Uint8Array, signal?: AbortSignal): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('curl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      reject(missing ? new Error('the wire tests need the program curl, which is not on the PATH') : error);
    });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaint += chunk;
    });
    child.on('close', (code) => {
      if (signal?.aborted) resolve(null);
      else if (code === 0) resolve(output);
      else reject(new Error(`curl ended with ${code}: ${complaint}`));
    });
    signal?.addEventListener('abort', () => child.kill(), { once: true });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
