/* PostgreSQL's libpq, which is loaded when it is first needed: most practices have their state in a file. */
#ifndef LIBPQ_H
#define LIBPQ_H

#include <libpq-fe.h>

/* What we call of it, without the PQ. */
#define LIBPQ_FUNCTIONS(F)                                                                                   \
	F(clear)                                                                                                 \
	F(cmdStatus)                                                                                             \
	F(cmdTuples)                                                                                             \
	F(connectdbParams)                                                                                       \
	F(conninfoFree)                                                                                          \
	F(conninfoParse)                                                                                         \
	F(consumeInput)                                                                                          \
	F(enterPipelineMode)                                                                                     \
	F(errorMessage)                                                                                          \
	F(exec)                                                                                                  \
	F(execParams)                                                                                            \
	F(finish)                                                                                                \
	F(freemem)                                                                                               \
	F(ftype)                                                                                                 \
	F(getResult)                                                                                             \
	F(getisnull)                                                                                             \
	F(getvalue)                                                                                              \
	F(isBusy)                                                                                                \
	F(nfields)                                                                                               \
	F(notifies)                                                                                              \
	F(ntuples)                                                                                               \
	F(parameterStatus)                                                                                       \
	F(pipelineSync)                                                                                          \
	F(resultErrorField)                                                                                      \
	F(resultStatus)                                                                                          \
	F(sendPrepare)                                                                                           \
	F(sendQueryPrepared)                                                                                     \
	F(setNoticeProcessor)                                                                                    \
	F(setSingleRowMode)                                                                                      \
	F(socket)                                                                                                \
	F(status)                                                                                                \
	F(transactionStatus)

/* pq.exec is PQexec; NULL before it is loaded. */
struct libpq {
#define LIBPQ_MEMBER(name) __typeof__(PQ##name) *name;
	LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

extern struct libpq pq;

/* Loads it, if that is still to be done: NULL, or why it cannot be had. Of any thread. */
const char *libpq_load(void);

#endif
