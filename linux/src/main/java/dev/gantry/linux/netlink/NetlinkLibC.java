package dev.gantry.linux.netlink;

import com.sun.jna.Native;
import java.nio.ByteBuffer;

/** The C library's calls that a netlink socket needs, spelled as in their manual pages. {@code size_t} is 64 bits. */
final class NetlinkLibC {
    static final int AF_NETLINK = 16;
    static final int SOCK_RAW = 3;
    static final int SOCK_CLOEXEC = 02000000;
    static final int SOL_SOCKET = 1;
    static final int SO_RCVTIMEO = 20;
    static final int SO_RCVBUFFORCE = 33;
    static final int SOL_NETLINK = 270;
    static final int NETLINK_CAP_ACK = 10;
    static final int NETLINK_EXT_ACK = 11;
    static final int NETLINK_GET_STRICT_CHK = 12;
    static final int SIOCGIFINDEX = 0x8933;
    static final int MSG_TRUNC = 0x20;
    static final int MSG_DONTWAIT = 0x40;

    static {
        Native.register(NetlinkLibC.class, "c");
    }

    private NetlinkLibC() {}

    static native int ioctl(int fd, long request, byte[] argument);

    static native int socket(int domain, int type, int protocol);

    static native int bind(int fd, byte[] address, int length);

    static native int getsockname(int fd, byte[] address, int[] length);

    static native int setsockopt(int fd, int level, int option, byte[] value, int length);

    static native long send(int fd, byte[] buffer, long length, int flags);

    static native long recv(int fd, ByteBuffer buffer, long length, int flags);
}
