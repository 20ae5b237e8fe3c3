/* What each shelf of PatientNow's store is called in the two dialects, and by its webhooks. */
#include "patientnow.h"

const struct shelf_names shelf_names[SHELVES] = {
	[SHELF_PATIENT] = {"patients", "customers", "patientId", "PatientCreated", "PatientUpdated"},
	[SHELF_APPOINTMENT] = {"appointments", "appointments", "appointmentId", "AppointmentCreated",
		"AppointmentStatusChanged"},
	[SHELF_BILL] = {"billing", "orders", "billId", "PatientBillCompleted", NULL},
	[SHELF_MEMBERSHIP] = {"memberships", "memberships", "membershipId", "MembershipCreated", NULL},
};
