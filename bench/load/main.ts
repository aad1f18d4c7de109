import { type Load, runLoad } from './run-load.ts';

process.on('message', (load: Load) => {
  runLoad(load).then(
    (result) => process.send?.({ kind: 'result', result }),
    (error: unknown) =>
      process.send?.({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' });
