import { expect, test } from 'vitest';
import type { Checkpoint, CheckpointLease } from '../../src/ports/checkpoints.ts';
import { CHECKPOINT_PAUSE_MS, startCheckpointer } from '../../src/workers/checkpointer.ts';

const CHECKPOINT: Checkpoint = { size: 1, root: new Uint8Array(32), coveredUntil: 0, createdAt: 0 };

type Step = 'none' | 'more' | 'done' | 'fail';

/** Runs one pause for each step and tells what happened, in order. */
async function happenings(steps: readonly (Step | 'no lease')[]): Promise<string[]> {
  const told: string[] = [];
  const left = [...steps];
  const over = Promise.withResolvers<void>();
  const lease: CheckpointLease = {
    async extend() {
      const step = left.shift();
      if (step === 'fail') throw new Error('lost');
      return step === 'none' ? null : { checkpoint: CHECKPOINT, isMore: step === 'more' };
    },
    release: async () => void told.push('released'),
  };
  const checkpointer = startCheckpointer({
    checkpoints: {
      async lead() {
        const isHeld = left[0] === 'no lease';
        if (isHeld) left.shift();
        else told.push('led');
        return isHeld ? null : lease;
      },
    },
    pause: async (ms) => {
      told.push(ms === CHECKPOINT_PAUSE_MS ? 'waited' : 'hurried');
      if (left.length === 0) over.resolve();
      if (left.length === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    onCheckpoint: () => told.push('published'),
    onFailure: () => told.push('failed'),
  });
  await over.promise;
  await checkpointer.stop();
  return told.slice(0, told.lastIndexOf('released') + 1);
}

test('what waits is covered at once, and then from time to time', async () => {
  expect((await happenings(['more', 'done', 'none'])).slice(0, 6)).toEqual([
    'led',
    'published',
    'hurried',
    'published',
    'waited',
    'waited',
  ]);
});

test('a failed step gives the lease back, and the next one takes it again', async () => {
  const told = await happenings(['fail', 'done']);
  expect(told.slice(0, 6)).toEqual(['led', 'released', 'failed', 'hurried', 'led', 'published']);
  expect(told.at(-1)).toBe('released');
});

test('who has no lease asks again', async () => {
  expect((await happenings(['no lease', 'done'])).slice(0, 3)).toEqual(['waited', 'led', 'published']);
});
