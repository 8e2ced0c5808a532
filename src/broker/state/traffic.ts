/** What went over one connection since it began, counted as in `Stats`. Plain numbers: one `+=` each. */
export class Traffic {
  publishReceived = 0
  publishSent = 0
  bytesReceived = 0
  bytesSent = 0
}
