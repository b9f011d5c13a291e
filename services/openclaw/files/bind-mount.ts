import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceError } from '#chassis/errors.ts'
import { readSandboxFile } from './read-file.ts'
import { openRoot } from './walk.ts'
import { writeSandboxFile } from './write-file.ts'

/** Run by bind-mount.real.test.ts where mounting is allowed: what the file tools do with mounts in the folder named. */
const [, , home = ''] = process.argv
const [sandbox, outside] = [join(home, 'sandbox'), join(home, 'outside')]
mkdirSync(join(sandbox, 'folder'), { recursive: true })
mkdirSync(outside)
for (const path of [join(sandbox, 'plain.txt'), join(sandbox, 'file.txt')]) writeFileSync(path, 'inside')
writeFileSync(join(outside, 'a.txt'), 'SECRET')
execFileSync('mount', ['--bind', outside, join(sandbox, 'folder')])
execFileSync('mount', ['--bind', join(outside, 'a.txt'), join(sandbox, 'file.txt')])
const root = openRoot(sandbox)

const settings = { root, makeId: () => 'id', owner: null }
const report = {
  plain: await outcomeOf(() => readSandboxFile(root, 'plain.txt').content),
  folder: await outcomeOf(() => readSandboxFile(root, 'folder/a.txt').content),
  file: await outcomeOf(() => readSandboxFile(root, 'file.txt').content),
  write: await outcomeOf(() => writeSandboxFile(settings, 'folder/new.txt', 'written')),
  outside: readdirSync(outside),
}
process.stdout.write(`${JSON.stringify(report)}\n`)

async function outcomeOf(step: () => unknown): Promise<unknown> {
  try {
    return await step()
  } catch (error) {
    return error instanceof ServiceError ? error.details?.['reason'] : String(error)
  }
}
