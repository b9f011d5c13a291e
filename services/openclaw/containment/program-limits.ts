/** Bounds of one contained program. Memory, processor and file limits are the kernel's, the others ours. */
export interface ProgramLimits {
  readonly memoryBytesMax: number
  readonly processesMax: number
  readonly fileBytesMax: number
  readonly openFilesMax: number
  readonly outputBytesMax: number
}

export const PROGRAM_LIMITS: ProgramLimits = {
  memoryBytesMax: 512 * 1024 * 1024,
  processesMax: 64,
  fileBytesMax: 64 * 1024 * 1024,
  openFilesMax: 128,
  outputBytesMax: 1024 * 1024,
}
