package dev.gantry.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

final class SystemSockets implements Sockets {
    private static final int SIZE_OF_SUN_PATH = 108;
    private static final int SIZE_OF_MSGHDR = 56;
    private static final int SIZE_OF_IOVEC = 16;
    private static final int SIZE_OF_CMSGHDR = 16;
    private static final int SIZE_OF_SOCKADDR_STORAGE = 128;

    private final FileCalls files;

    SystemSockets(FileCalls files) {
        this.files = files;
    }

    @Override
    public Fd socket(int domain, int type, int protocol) throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.SOCKET, domain, type | Socket.SOCK_CLOEXEC, protocol),
                () -> "socket(%d, %s, %d)".formatted(domain, Kernel.hex(type), protocol));
    }

    @Override
    public FdPair socketpair(int domain, int type) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block pair = scratch.allocate(8);
            Kernel.check(
                    Kernel.raw(Syscall.SOCKETPAIR, domain, type | Socket.SOCK_CLOEXEC, 0, pair.address()),
                    () -> "socketpair(%d, %s)".formatted(domain, Kernel.hex(type)));
            return new FdPair(Fd.of(pair.getInt(0)), Fd.of(pair.getInt(4)));
        }
    }

    @Override
    public void bind(Fd socket, byte[] address) throws ErrnoException {
        withAddress(Syscall.BIND, socket, address, "address of " + address.length + " bytes");
    }

    @Override
    public void connect(Fd socket, byte[] address) throws ErrnoException {
        withAddress(Syscall.CONNECT, socket, address, "address of " + address.length + " bytes");
    }

    private static void withAddress(Syscall call, Fd socket, byte[] address, String words) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.bytes(address);
            Kernel.check(
                    Kernel.raw(call, socket.number(), block.address(), address.length),
                    () -> "%s(%s, %s)".formatted(call.callName(), socket, words));
        }
    }

    @Override
    public void listen(Fd socket, int backlog) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.LISTEN, socket.number(), backlog),
                () -> "listen(%s, %d)".formatted(Kernel.describe(socket), backlog));
    }

    @Override
    public Fd accept4(Fd socket, int flags) throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.ACCEPT4, socket.number(), 0, 0, flags | Socket.SOCK_CLOEXEC),
                () -> "accept4(%s)".formatted(Kernel.describe(socket)));
    }

    @Override
    public byte[] getsockname(Fd socket) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block address = scratch.zeroed(SIZE_OF_SOCKADDR_STORAGE);
            Scratch.Block length = scratch.zeroed(8);
            length.putInt(0, address.size());
            Kernel.check(
                    Kernel.raw(Syscall.GETSOCKNAME, socket.number(), address.address(), length.address()),
                    () -> "getsockname(%s)".formatted(Kernel.describe(socket)));
            return address.get(0, Math.min(length.getInt(0), address.size()));
        }
    }

    @Override
    public int getsockopt(Fd socket, int level, int option) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return getsockopt(socket, level, option, 4, scratch).getInt(0);
        }
    }

    private static Scratch.Block getsockopt(Fd socket, int level, int option, int size, Scratch scratch)
            throws ErrnoException {
        Scratch.Block value = scratch.zeroed(size);
        Scratch.Block length = scratch.zeroed(8);
        length.putInt(0, size);
        Kernel.check(
                Kernel.raw(Syscall.GETSOCKOPT, socket.number(), level, option, value.address(), length.address(), 0),
                () -> "getsockopt(%s, %d, %d)".formatted(Kernel.describe(socket), level, option));
        return value;
    }

    @Override
    public void setsockopt(Fd socket, int level, int option, int value) throws ErrnoException {
        ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(0, value);
        setsockopt(socket, level, option, bytes.array());
    }

    @Override
    public void setsockopt(Fd socket, int level, int option, byte[] value) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.bytes(value);
            Kernel.check(
                    Kernel.raw(Syscall.SETSOCKOPT, socket.number(), level, option, block.address(), value.length, 0),
                    () -> "setsockopt(%s, %d, %d, %d bytes)"
                            .formatted(Kernel.describe(socket), level, option, value.length));
        }
    }

    @Override
    public void shutdown(Fd socket, int how) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.SHUTDOWN, socket.number(), how),
                () -> "shutdown(%s, %d)".formatted(Kernel.describe(socket), how));
    }

    @Override
    public Fd unixListen(String path, int type, int backlog) throws ErrnoException {
        Fd socket = socket(Socket.AF_UNIX, type, 0);
        try {
            atUnixPath(Syscall.BIND, socket, path);
            listen(socket, backlog);
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public Fd unixConnect(String path, int type) throws ErrnoException {
        Fd socket = socket(Socket.AF_UNIX, type, 0);
        try {
            atUnixPath(Syscall.CONNECT, socket, path);
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            throw e;
        }
    }

    /** Paths beyond the 107 bytes of a sockaddr_un go through a descriptor of the directory. */
    private void atUnixPath(Syscall call, Fd socket, String path) throws ErrnoException {
        byte[] name = RawName.encode(path);
        if (name.length < SIZE_OF_SUN_PATH) {
            withAddress(call, socket, unixAddress(name), Kernel.quote(path));
            return;
        }
        int slash = path.lastIndexOf('/');
        String parent = slash < 0 ? "." : path.substring(0, slash + 1);
        try (Fd directory = files.open(parent, Fcntl.O_PATH | Fcntl.O_DIRECTORY)) {
            byte[] shorter = RawName.encode(directory.path() + "/" + path.substring(slash + 1));
            if (shorter.length >= SIZE_OF_SUN_PATH) {
                throw new ErrnoException(
                        "%s(%s, %s)".formatted(call.callName(), socket, Kernel.quote(path)), Errno.ENAMETOOLONG);
            }
            withAddress(call, socket, unixAddress(shorter), Kernel.quote(path));
        }
    }

    private static byte[] unixAddress(byte[] name) {
        ByteBuffer address = ByteBuffer.allocate(2 + name.length + 1).order(ByteOrder.nativeOrder());
        return address.putShort((short) Socket.AF_UNIX).put(name).array();
    }

    @Override
    public PeerCredentials peerCredentials(Fd socket) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block credentials = getsockopt(socket, Socket.SOL_SOCKET, Socket.SO_PEERCRED, 12, scratch);
            return new PeerCredentials(credentials.getInt(0), credentials.getInt(4), credentials.getInt(8));
        }
    }

    @Override
    public int sendMessage(Fd socket, ByteBuffer data, List<Fd> descriptors, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            int length = data.remaining();
            Scratch.Block bytes = scratch.allocate(length);
            bytes.put(0, data, data.position(), length);
            Scratch.Block header = header(scratch, bytes);
            if (!descriptors.isEmpty()) {
                Scratch.Block control = rights(scratch, descriptors);
                header.putLong(32, control.address());
                header.putLong(40, control.size());
            }
            int sent = (int) Kernel.check(
                    Kernel.raw(Syscall.SENDMSG, socket.number(), header.address(), flags | Socket.MSG_NOSIGNAL),
                    () -> "sendmsg(%s, %d bytes, %s)".formatted(Kernel.describe(socket), length, descriptors));
            data.position(data.position() + sent);
            return sent;
        }
    }

    /** struct msghdr of 64-bit machines with one iovec. */
    private static Scratch.Block header(Scratch scratch, Scratch.Block bytes) {
        Scratch.Block iovec = scratch.allocate(SIZE_OF_IOVEC);
        iovec.putLong(0, bytes.address());
        iovec.putLong(8, bytes.size());
        Scratch.Block header = scratch.zeroed(SIZE_OF_MSGHDR);
        header.putLong(16, iovec.address());
        header.putLong(24, 1);
        return header;
    }

    private static Scratch.Block rights(Scratch scratch, List<Fd> descriptors) {
        Scratch.Block control = scratch.zeroed(controlSize(descriptors.size()));
        control.putLong(0, SIZE_OF_CMSGHDR + 4L * descriptors.size());
        control.putInt(8, Socket.SOL_SOCKET);
        control.putInt(12, Socket.SCM_RIGHTS);
        int offset = SIZE_OF_CMSGHDR;
        for (Fd descriptor : descriptors) {
            control.putInt(offset, descriptor.number());
            offset += 4;
        }
        return control;
    }

    private static int controlSize(int descriptors) {
        return SIZE_OF_CMSGHDR + (4 * descriptors + 7 & ~7);
    }

    @Override
    public int sendto(Fd socket, ByteBuffer data, int flags, byte @Nullable [] address) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            int length = data.remaining();
            Scratch.Block bytes = scratch.allocate(length);
            bytes.put(0, data, data.position(), length);
            long to = address == null ? 0 : scratch.bytes(address).address();
            int sent = (int) Kernel.check(
                    Kernel.raw(
                            Syscall.SENDTO,
                            socket.number(),
                            bytes.address(),
                            length,
                            flags | Socket.MSG_NOSIGNAL,
                            to,
                            address == null ? 0 : address.length),
                    () -> "sendto(%s, %d bytes)".formatted(Kernel.describe(socket), length));
            data.position(data.position() + sent);
            return sent;
        }
    }

    @Override
    public Message receiveMessage(Fd socket, int maxBytes, int maxDescriptors, int flags) throws ErrnoException {
        if (maxDescriptors < 0 || maxDescriptors > SCM_MAX_FD) {
            throw new IllegalArgumentException(
                    "maxDescriptors is not 0 to %d: %d".formatted(SCM_MAX_FD, maxDescriptors));
        }
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block bytes = scratch.allocate(maxBytes);
            Scratch.Block header = header(scratch, bytes);
            Scratch.Block control = scratch.zeroed(controlSize(maxDescriptors));
            if (maxDescriptors > 0) {
                header.putLong(32, control.address());
                header.putLong(40, SIZE_OF_CMSGHDR + 4L * maxDescriptors);
            }
            int count = (int) Kernel.check(
                    Kernel.raw(Syscall.RECVMSG, socket.number(), header.address(), flags | Socket.MSG_CMSG_CLOEXEC),
                    () -> "recvmsg(%s)".formatted(Kernel.describe(socket)));
            boolean truncated = (header.getInt(48) & (Socket.MSG_TRUNC | Socket.MSG_CTRUNC)) != 0;
            List<Fd> descriptors = descriptors(control, (int) header.getLong(40));
            ByteBuffer data = ByteBuffer.wrap(bytes.get(0, Math.min(count, maxBytes)));
            return new Message(data.order(ByteOrder.nativeOrder()), descriptors, truncated);
        }
    }

    private static List<Fd> descriptors(Scratch.Block control, int length) {
        List<Fd> descriptors = new ArrayList<>();
        int at = 0;
        while (at + SIZE_OF_CMSGHDR <= length) {
            int end = at + (int) control.getLong(at);
            if (control.getInt(at + 8) == Socket.SOL_SOCKET && control.getInt(at + 12) == Socket.SCM_RIGHTS) {
                for (int offset = at + SIZE_OF_CMSGHDR; offset + 4 <= end; offset += 4) {
                    descriptors.add(Fd.of(control.getInt(offset)));
                }
            }
            at = end + 7 & ~7;
        }
        return descriptors;
    }

    @Override
    public int recv(Fd socket, ByteBuffer buffer, int flags) throws ErrnoException {
        int position = buffer.position();
        int length = buffer.remaining();
        if (!buffer.isDirect()) {
            try (Scratch scratch = Scratch.open()) {
                Scratch.Block block = scratch.allocate(length);
                int count = recv(socket, block.address(), length, flags);
                int kept = Math.min(count, length);
                buffer.put(position, block.get(0, kept));
                buffer.position(position + kept);
                return count;
            }
        }
        int count = recv(socket, Scratch.address(buffer) + position, length, flags);
        buffer.position(position + Math.min(count, length));
        return count;
    }

    private static int recv(Fd socket, long address, int length, int flags) throws ErrnoException {
        return (int) Kernel.check(
                Kernel.raw(Syscall.RECVFROM, socket.number(), address, length, flags, 0, 0),
                () -> "recv(%s, %d)".formatted(Kernel.describe(socket), length));
    }
}
