package dev.gantry.agent.volume;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * A file as a block device, which goes when nobody has it open or mounted any more. Close it once it is mounted.
 *
 * @param path of the device
 * @see <a href="https://man7.org/linux/man-pages/man4/loop.4.html">loop(4)</a>
 */
record LoopDevice(String path, Fd device) implements AutoCloseable {
    /** linux/loop.h. */
    private static final long LOOP_CTL_GET_FREE = 0x4C82;

    private static final long LOOP_CONFIGURE = 0x4C0A;
    private static final int LO_FLAGS_AUTOCLEAR = 4;
    /** Bytes of struct loop_config, and where its fd and info.lo_flags are. */
    private static final int CONFIG_BYTES = 304;

    private static final int FD_OFFSET = 0;
    private static final int FLAGS_OFFSET = 60;
    /** Others take devices too: between asking for a free one and taking it somebody may have been faster. */
    private static final int ATTEMPTS = 32;

    /** Takes a free device for {@code image}, for reading and writing. */
    static LoopDevice attach(Linux linux, Path image) throws ErrnoException {
        try (Fd control = linux.files().open("/dev/loop-control", Fcntl.O_RDWR);
                Fd file = linux.files().open(image.toString(), Fcntl.O_RDWR | Fcntl.O_NOFOLLOW)) {
            ByteBuffer config = ByteBuffer.allocate(CONFIG_BYTES).order(ByteOrder.nativeOrder());
            config.putInt(FD_OFFSET, file.number());
            config.putInt(FLAGS_OFFSET, LO_FLAGS_AUTOCLEAR);
            for (int attempt = 1; ; attempt++) {
                String path = "/dev/loop" + linux.files().ioctl(control, LOOP_CTL_GET_FREE, 0);
                Fd device = linux.files().open(path, Fcntl.O_RDWR);
                try {
                    linux.files().ioctl(device, LOOP_CONFIGURE, config.array());
                    return new LoopDevice(path, device);
                } catch (ErrnoException e) {
                    device.close();
                    if (!e.is(Errno.EBUSY) || attempt == ATTEMPTS) {
                        throw e;
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        device.close();
    }
}
