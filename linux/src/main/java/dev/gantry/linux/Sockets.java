package dev.gantry.linux;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sockets: AF_UNIX with descriptors in messages, and whatever else by raw addresses. */
public interface Sockets {
    /** Most descriptors in one message, SCM_MAX_FD of the kernel. */
    int SCM_MAX_FD = 253;

    /** {@code type}: SOCK_* of {@link Socket}; SOCK_CLOEXEC is added. */
    Fd socket(int domain, int type, int protocol) throws ErrnoException;

    FdPair socketpair(int domain, int type) throws ErrnoException;

    /** {@code address}: a struct sockaddr, family first in the machine's byte order. */
    void bind(Fd socket, byte[] address) throws ErrnoException;

    void connect(Fd socket, byte[] address) throws ErrnoException;

    void listen(Fd socket, int backlog) throws ErrnoException;

    /** {@code flags}: SOCK_NONBLOCK; SOCK_CLOEXEC is added. */
    Fd accept4(Fd socket, int flags) throws ErrnoException;

    byte[] getsockname(Fd socket) throws ErrnoException;

    int getsockopt(Fd socket, int level, int option) throws ErrnoException;

    void setsockopt(Fd socket, int level, int option, int value) throws ErrnoException;

    void setsockopt(Fd socket, int level, int option, byte[] value) throws ErrnoException;

    void shutdown(Fd socket, int how) throws ErrnoException;

    /** A listening AF_UNIX socket at a path of any length; EADDRINUSE if the path exists. */
    Fd unixListen(String path, int type, int backlog) throws ErrnoException;

    /** A connected AF_UNIX socket; ECONNREFUSED if nobody listens any more. */
    Fd unixConnect(String path, int type) throws ErrnoException;

    /** Who connected, or listened, when the connection was made. */
    PeerCredentials peerCredentials(Fd socket) throws ErrnoException;

    /**
     * Sends one message. SIGPIPE is never raised: a gone peer is EPIPE.
     *
     * @param descriptors go with it; they stay ours too
     * @param flags MSG_DONTWAIT …
     * @return bytes taken; all of them, except on SOCK_STREAM
     */
    int sendMessage(Fd socket, ByteBuffer data, List<Fd> descriptors, int flags) throws ErrnoException;

    default int sendMessage(Fd socket, byte[] data, List<Fd> descriptors) throws ErrnoException {
        return sendMessage(socket, ByteBuffer.wrap(data), descriptors, 0);
    }

    /** Sends to an address, as connectionless sockets (netlink) do. */
    int sendto(Fd socket, ByteBuffer data, int flags, byte @Nullable [] address) throws ErrnoException;

    /**
     * Receives one message.
     *
     * @param maxBytes what is longer is cut, and {@link Message#truncated}
     * @param maxDescriptors 0 to {@link #SCM_MAX_FD}; what is more the kernel closes, and the message is truncated
     * @param flags MSG_DONTWAIT …: then EAGAIN if there is none
     */
    Message receiveMessage(Fd socket, int maxBytes, int maxDescriptors, int flags) throws ErrnoException;

    /** Receives into the buffer's remaining space without making objects; moves the position. Returns recv(2)'s count. */
    int recv(Fd socket, ByteBuffer buffer, int flags) throws ErrnoException;

    /**
     * One message.
     *
     * @param data backed by an array of exactly this content; in the machine's byte order
     * @param descriptors owned by the receiver, who closes them
     * @param truncated whether bytes or descriptors were lost
     */
    record Message(ByteBuffer data, List<Fd> descriptors, boolean truncated) {
        /** Whether the peer closed: no bytes, no descriptors. An empty message looks the same, so none is ever sent. */
        public boolean isEnd() {
            return !data.hasRemaining() && descriptors.isEmpty();
        }

        public void closeDescriptors() {
            descriptors.forEach(Fd::close);
        }
    }

    /** Of the process at the other end of an AF_UNIX socket; the pid in our PID namespace. */
    record PeerCredentials(int pid, int uid, int gid) {}
}
