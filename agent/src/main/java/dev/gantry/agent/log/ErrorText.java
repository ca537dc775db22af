package dev.gantry.agent.log;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** What an exception says, for people. */
public final class ErrorText {
    private ErrorText() {}

    /** Java's file exceptions of a kind of their own have names of files for a message, and nothing of what was wrong with them. */
    public static String of(Throwable cause) {
        String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        if (!(cause instanceof FileSystemException file) || file.getReason() != null) {
            return message;
        }
        String reason = cause instanceof NoSuchFileException
                ? "no such file or directory"
                : cause instanceof AccessDeniedException
                        ? "permission denied"
                        : cause instanceof FileAlreadyExistsException
                                ? "file exists"
                                : cause.getClass().getSimpleName();
        return message + ": " + reason;
    }
}
