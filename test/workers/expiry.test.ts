import { expect, test } from 'vitest';
import { refuse } from '../../src/domain/refusal.ts';
import { startExpiry } from '../../src/workers/expiry.ts';

const LATE_MS = 3_000;
const PAUSES = 3;

test('what cannot be swept now is tried again after a pause, not in a hot loop', async () => {
  const pauses: number[] = [];
  const enough = Promise.withResolvers<void>();
  const expiry = startExpiry({
    due: {
      dueReservations: async () => [{ reservationId: 'r-1', lateMs: LATE_MS }],
      overdueReservations: async () => [],
      nextDeadlineInMs: async () => -LATE_MS,
    },
    unitOfWork: {
      submit: async (commands) => commands.map(() => ({ ok: false, refusal: refuse('OVERLOADED', 'full') })),
    },
    pause: async (ms) => {
      pauses.push(ms);
      if (pauses.length === PAUSES) enough.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
    random: () => 0,
    onSwept: () => undefined,
    onFailure: () => undefined,
  });
  await enough.promise;
  await expiry.stop();
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(100);
});
