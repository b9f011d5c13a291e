import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CALLER_NAMES } from '#catalog'
import { send } from '../corpus-client.ts'
import { notHeld, type Procedure, type ProcedureCall, resultOf } from './procedure.ts'

interface Secret {
  readonly name: string
  readonly text: string
}

/**
 * Secrets are sent where they do not belong, so that whoever writes down what comes in writes them down; then logs and
 * what /proc shows of the stack's processes are searched for them. The answer to the call, or where one was found.
 */
export const lookForSecrets: Procedure = async (call) => {
  const secrets = await secretsOf(call)
  const answer = await sendMisplaced(call, secrets)
  const { home } = call.run.world
  const [logs, processes] = await Promise.all([textsOfLogs(join(home, 'logs')), textsOfProcesses(home)])
  if (processes.length === 0) return notHeld('no process of the stack was found')
  for (const { place, text } of [...logs, ...processes]) {
    const shown = secrets.find((secret) => text.includes(secret.text))
    if (shown !== undefined) return notHeld(`${shown.name} stands in ${place}`)
  }
  return resultOf(answer)
}

async function secretsOf({ run }: ProcedureCall): Promise<readonly Secret[]> {
  const folder = join(run.world.home, 'run', 'secrets')
  const bootstrap = CALLER_NAMES.map(async (name) => ({
    name: `bootstrap secret of ${name}`,
    text: (await readFile(join(folder, name), 'utf8').catch(() => '')).trim(),
  }))
  const token = await run.tokens.forService('api-gateway', 'openclaw')
  const all = [
    { name: 'operator key', text: run.tokens.operatorKey },
    { name: 'service token', text: token },
    ...(await Promise.all(bootstrap)),
  ]
  return all.filter(({ text }) => text !== '')
}

async function sendMisplaced({ run }: ProcedureCall, secrets: readonly Secret[]) {
  const [operator, token] = secrets.map(({ text }) => text)
  return send(run.portBase, 'openclaw', {
    method: 'POST',
    path: `/execute?key=${operator}`,
    headers: { 'x-service-token': operator ?? '', authorization: `Bearer ${token}` },
    body: JSON.stringify({ tool_name: 'shell.run', args: { command: `echo ${operator}` }, api_key: token }),
  })
}

interface Found {
  readonly place: string
  readonly text: string
}

async function textsOfLogs(folder: string): Promise<readonly Found[]> {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(
    names.map(async (name) => ({ place: `logs/${name}`, text: await readText(join(folder, name)) })),
  )
}

/** Command lines and environments of the processes that belong to this state folder. */
async function textsOfProcesses(home: string): Promise<readonly Found[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const seen = await Promise.all(
    pids.map(async (pid) => ({
      environment: await readText(`/proc/${pid}/environ`),
      command: await readText(`/proc/${pid}/cmdline`),
    })),
  )
  const own = seen.filter(({ environment }) => environment.includes(`SONIA_HOME=${home}\0`))
  return own.flatMap(({ environment, command }) => [
    { place: 'the environment of a process', text: environment },
    { place: 'the command line of a process', text: command },
  ])
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
