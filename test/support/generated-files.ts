import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DescFile } from '@bufbuild/protobuf';
import { REPOSITORY_ROOT } from './proto-checks.ts';

const GENERATED_ROOT = join(REPOSITORY_ROOT, 'src', 'gen', 'earmark');

/** The descriptors of every generated Earmark file, found on disk so that none can be forgotten. */
export async function loadGeneratedFiles(): Promise<DescFile[]> {
  const names = readdirSync(GENERATED_ROOT, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('_pb.ts'),
  );
  return Promise.all(names.sort().map(loadDescriptor));
}

async function loadDescriptor(name: string): Promise<DescFile> {
  const loaded: Record<string, unknown> = await import(pathToFileURL(join(GENERATED_ROOT, name)).href);
  const descriptor = Object.entries(loaded).find(([key]) => key.startsWith('file_'))?.[1];
  if (!isDescFile(descriptor)) throw new Error(`${name} exports no file descriptor`);
  return descriptor;
}

function isDescFile(value: unknown): value is DescFile {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
}
