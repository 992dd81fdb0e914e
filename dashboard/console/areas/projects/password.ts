// A password nobody has to think of: 24 letters and digits without look-alikes, about 139 bits.

const alphabet = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

export function newPassword(length = 24): string {
  // Bytes past the last whole multiple would favour the first letters, so they are drawn again.
  const fair = 256 - (256 % alphabet.length)
  let password = ''
  while (password.length < length) {
    const bytes = crypto.getRandomValues(new Uint8Array(length))
    for (const byte of bytes) {
      if (byte < fair && password.length < length) password += alphabet[byte % alphabet.length]
    }
  }
  return password
}
