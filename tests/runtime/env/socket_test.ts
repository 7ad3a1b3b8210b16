import { diallingSuite, socketSuite } from "./socket_suite.ts";
import { plainSubject, portSubject, tlsSubject } from "./socket_subjects.ts";

socketSuite("ws", plainSubject);
diallingSuite("ws", plainSubject);
socketSuite("wss", tlsSubject);
diallingSuite("wss", tlsSubject);
socketSuite("port", portSubject);
