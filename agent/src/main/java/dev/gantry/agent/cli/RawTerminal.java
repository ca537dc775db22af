package dev.gantry.agent.cli;

import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * The user's terminal, handing every key on unchanged until this is closed. It is put back also when the process is told to end.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/ioctl_tty.2.html">ioctl_tty(2)</a>
 */
final class RawTerminal implements AutoCloseable {
    // asm-generic/ioctls.h
    private static final long TCGETS = 0x5401;
    private static final long TCSETSW = 0x5403;
    private static final long TIOCGWINSZ = 0x5413;

    // struct termios of the kernel: four flag words, the line discipline, 19 control characters
    private static final int TERMIOS_SIZE = 36;
    private static final int C_CC = 17;
    private static final int VTIME = 5;
    private static final int VMIN = 6;
    // asm-generic/termbits.h: IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON; OPOST; CSIZE PARENB; CS8; ECHO ECHONL
    // ICANON ISIG IEXTEN
    private static final int INPUT = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
    private static final int OUTPUT = 0x1;
    private static final int CONTROL = 0x30 | 0x100;
    private static final int EIGHT_BITS = 0x30;
    private static final int LOCAL = 0x8 | 0x40 | 0x2 | 0x1 | 0x8000;

    private final FileCalls files;
    private final Fd terminal;
    private final byte[] saved;
    private final Thread atExit = new Thread(this::restore, "restore-terminal");

    /**
     * A terminal's size in characters.
     *
     * @param columns width
     * @param rows height
     */
    record Size(int columns, int rows) {}

    private RawTerminal(FileCalls files, Fd terminal, byte[] saved) {
        this.files = files;
        this.terminal = terminal;
        this.saved = saved;
    }

    /** Switches the terminal at standard input to raw. */
    static RawTerminal open() throws IOException {
        FileCalls files = Linux.system().files();
        Fd terminal = Fd.of(0);
        byte[] saved = new byte[TERMIOS_SIZE];
        files.ioctl(terminal, TCGETS, saved);
        RawTerminal raw = new RawTerminal(files, terminal, saved);
        Runtime.getRuntime().addShutdownHook(raw.atExit);
        files.ioctl(terminal, TCSETSW, raw(saved));
        return raw;
    }

    /** What {@code cfmakeraw(3)} does. */
    static byte[] raw(byte[] termios) {
        byte[] raw = Arrays.copyOf(termios, termios.length);
        ByteBuffer words = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        words.putInt(0, words.getInt(0) & ~INPUT);
        words.putInt(4, words.getInt(4) & ~OUTPUT);
        words.putInt(8, (words.getInt(8) & ~CONTROL) | EIGHT_BITS);
        words.putInt(12, words.getInt(12) & ~LOCAL);
        raw[C_CC + VMIN] = 1;
        raw[C_CC + VTIME] = 0;
        return raw;
    }

    /** The size now; empty if the terminal does not know, as on a serial line. */
    Optional<Size> size() {
        byte[] winsize = new byte[8];
        try {
            files.ioctl(terminal, TIOCGWINSZ, winsize);
        } catch (IOException e) {
            return Optional.empty();
        }
        ByteBuffer words = ByteBuffer.wrap(winsize).order(ByteOrder.nativeOrder());
        int rows = words.getShort(0) & 0xffff;
        int columns = words.getShort(2) & 0xffff;
        return rows > 0 && columns > 0 ? Optional.of(new Size(columns, rows)) : Optional.empty();
    }

    private void restore() {
        try {
            files.ioctl(terminal, TCSETSW, saved);
        } catch (IOException e) {
            // the terminal is gone
        }
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // the process is ending, the hook has run or will
        }
    }
}
