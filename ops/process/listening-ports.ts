import { readdirSync, readlinkSync } from 'node:fs'
import { readProcFile } from './proc-stat.ts'
import { listProcesses, readArguments } from './process-table.ts'

const TCP_LISTEN = '0A'

/** Socket inodes that listen on each TCP port of this network namespace, over IPv4 and IPv6. */
function listeningSockets(): ReadonlyMap<number, ReadonlySet<string>> {
  const sockets = new Map<number, Set<string>>()
  for (const file of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const { port, inode } of parseListeners(readProcFile(file) ?? '')) {
      sockets.set(port, (sockets.get(port) ?? new Set()).add(inode))
    }
  }
  return sockets
}

/** Lines of /proc/net/tcp in state LISTEN: local address is field 2, state field 4, inode field 10. */
export function parseListeners(text: string): readonly { port: number; inode: string }[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === TCP_LISTEN)
    .map((fields) => ({ port: Number.parseInt(fields[1]?.split(':')[1] ?? '', 16), inode: fields[9] ?? '' }))
    .filter((listener) => Number.isSafeInteger(listener.port))
}

/** True when one of the sockets that listen on the port is held by that process. */
export function ownsPort(pid: number, port: number): boolean {
  const inodes = listeningSockets().get(port)
  return inodes !== undefined && holdsSocket(pid, inodes)
}

export interface PortHolder {
  readonly port: number
  /** undefined when the holder belongs to another user. */
  readonly pid: number | undefined
  readonly command: string
}

/** Which of the ports are taken, and by whom. */
export function takenPorts(ports: readonly number[]): readonly PortHolder[] {
  const sockets = listeningSockets()
  return ports.flatMap((port) => {
    const inodes = sockets.get(port)
    return inodes === undefined ? [] : [holderOf(port, inodes)]
  })
}

function holderOf(port: number, inodes: ReadonlySet<string>): PortHolder {
  const holder = listProcesses().find((process) => holdsSocket(process.pid, inodes))
  if (holder === undefined) return { port, pid: undefined, command: 'a process of another user' }
  const argv = readArguments(holder.pid).join(' ')
  return { port, pid: holder.pid, command: argv === '' ? holder.command : argv }
}

function holdsSocket(pid: number, inodes: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`
  return openDescriptors(folder).some((descriptor) => {
    const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(`${folder}/${descriptor}`))?.[1]
    return inode !== undefined && inodes.has(inode)
  })
}

function openDescriptors(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
